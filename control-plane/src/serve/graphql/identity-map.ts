import { FlowstateError } from "@flowstate/shared/errors";
import { addDays, dateOf } from "@flowstate/shared/time";
import {
  listBilledNames,
  mapIdentity,
  type BilledName,
  type PersonalKind,
} from "../../billing/identity-map.ts";
import { callerOf, changeBy, type Builder } from "./builder.ts";
import type { addUsageProviders } from "./usage-providers.ts";

const kindTexts: Readonly<Record<PersonalKind, string>> = {
  email: "an e-mail address",
  vendor_user: "the provider's own identifier of a person",
  login: "a login name at the provider",
  api_key: "an API key",
  service_account: "a service account",
  cloud_principal: "a role or user of a cloud account",
};

/** Whose the names are that stand before money. */
export function addIdentityMap(builder: Builder, Provider: ReturnType<typeof addUsageProviders>): void {
  const Kind = builder.enumType("BilledNameKind", {
    description: "what kind of name a bill carries",
    values: Object.fromEntries(
      Object.entries(kindTexts).map(([value, description]) => [
        value.toUpperCase(),
        { value: value as PersonalKind, description },
      ]),
    ) as Record<string, { value: PersonalKind; description: string }>,
  });

  const Name = builder.objectRef<BilledName>("BilledName").implement({
    description: "a name that stands before money, and whose it is",
    fields: (t) => ({
      provider: t.field({
        type: Provider,
        description: "whose bill carries it",
        resolve: ({ provider }) => provider,
      }),
      kind: t.field({ type: Kind, description: "what kind of name it is", resolve: ({ kind }) => kind }),
      value: t.exposeString("value", { description: "the name" }),
      label: t.exposeString("label", { nullable: true, description: "what the provider calls it" }),
      subject: t.exposeString("subject", {
        nullable: true,
        description: "the person; null while nobody has said",
      }),
      setByAdmin: t.exposeBoolean("setByAdmin", { description: "whether an admin has said whose it is" }),
      billedUsd: t.expose("billed", { type: "Usd", description: "what was billed under it in the window" }),
    }),
  });

  builder.queryFields((t) => ({
    billedNames: t.field({
      type: [Name],
      description: "names in the bills of the last days, those of nobody first and then by what they cost",
      authScopes: { permission: "SETTINGS_INTEGRATIONS_VIEW" },
      args: {
        days: t.arg.int({ defaultValue: 90, description: "so many days back" }),
        limit: t.arg.int({ defaultValue: 200, description: "at most so many" }),
      },
      resolve: (_, { days, limit }, context) => {
        const { orgId } = callerOf(context, "SETTINGS_INTEGRATIONS_VIEW");
        const since = addDays(dateOf(context.clock.now()), -within("days", days ?? 90, 3650));
        return listBilledNames(context.store.reader, orgId, {
          since,
          limit: within("limit", limit ?? 200, 1000),
        });
      },
    }),
  }));

  builder.mutationFields((t) => ({
    mapBilledName: t.boolean({
      description: "says whose a name in the bills is; rows under it follow at once",
      authScopes: { permission: "SETTINGS_INTEGRATIONS_UPDATE" },
      args: {
        provider: t.arg({ type: Provider, required: true, description: "whose bill carries it" }),
        kind: t.arg({ type: Kind, required: true, description: "what kind of name it is" }),
        value: t.arg.string({ required: true, description: "the name" }),
        employeeId: t.arg.id({ description: "the person; nobody's where it is left out" }),
      },
      resolve: async (_, { employeeId, ...name }, context) => {
        const change = changeBy(callerOf(context, "SETTINGS_INTEGRATIONS_UPDATE"), context);
        await context.store.transact((db) =>
          mapIdentity(db, change, { ...name, employeeId: employeeId ?? null }),
        );
        return true;
      },
    }),
  }));
}

function within(name: string, given: number, most: number): number {
  if (given >= 1 && given <= most) return given;
  throw new FlowstateError("FS_INPUT_INVALID", `${name}: expected a whole number from 1 to ${most}`);
}
