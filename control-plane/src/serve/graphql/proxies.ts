import { periodOf } from "@flowstate/shared/time";
import type { RefusalReason } from "@flowstate/shared/wire/meter";
import { enrolProxy, revokeKey, type KeyReveal } from "../../keys/provision.ts";
import {
  listProxies,
  readRefusals,
  type EnrolledProxy,
  type RefusedCredentials,
} from "../../ingest/proxies.ts";
import { callerOf, changeBy, commit, type Builder } from "./builder.ts";

/** The proxies themselves, and whom they turned away. */
export function addProxies(builder: Builder): void {
  const Proxy = builder.objectRef<EnrolledProxy>("EnrolledProxy").implement({
    description: "a proxy that may read this organisation's keys and report its meters",
    fields: (t) => ({
      keyId: t.string({ description: "id of its enrolment token", resolve: ({ key }) => key.keyId }),
      name: t.string({ nullable: true, description: "which proxy it is", resolve: ({ key }) => key.name }),
      enrolledAt: t.field({
        type: "DateTime",
        description: "when its token was made",
        resolve: ({ key }) => key.createdAt,
      }),
      revokedAt: t.field({
        type: "DateTime",
        nullable: true,
        description: "when its token was revoked; null while it works",
        resolve: ({ key }) => key.revokedAt,
      }),
      lastReportedAt: t.expose("lastReportedAt", {
        type: "DateTime",
        nullable: true,
        description: "its last meter report; null before the first",
      }),
      missingRows: t.field({
        type: "BigInt",
        description: "meter rows that it numbered and that never came; 0 in a healthy installation",
        resolve: ({ missingRows }) => BigInt(missingRows),
      }),
    }),
  });

  const Enrolment = builder.objectRef<KeyReveal>("ProxyEnrolment").implement({
    description: "a new proxy's token",
    fields: (t) => ({
      token: t.exposeString("key", { description: "clear text, shown this once" }),
      keyId: t.exposeString("keyId", { description: "the part that is shown from now on" }),
    }),
  });

  const Reason = builder.enumType("CredentialRefusal", {
    description: "why a proxy turned a credential away",
    values: Object.fromEntries(
      Object.entries(refusalTexts).map(([value, description]) => [
        value.toUpperCase(),
        { value: value as RefusalReason, description },
      ]),
    ) as Record<string, { value: RefusalReason; description: string }>,
  });

  const Refused = builder.objectRef<RefusedCredentials>("RefusedCredentials").implement({
    description: "credentials that proxies turned away",
    fields: (t) => ({
      reason: t.field({ type: Reason, description: "why", resolve: ({ reason }) => reason }),
      count: t.expose("count", { type: "BigInt", description: "how often" }),
    }),
  });

  builder.queryFields((t) => ({
    enrolledProxies: t.field({
      type: [Proxy],
      description: "proxies, the newest first, revoked ones included",
      authScopes: { permission: "SETTINGS_INTEGRATIONS_VIEW" },
      resolve: (_, __, context) =>
        listProxies(context.store.reader, callerOf(context, "SETTINGS_INTEGRATIONS_VIEW").orgId),
    }),
    refusedCredentials: t.field({
      type: [Refused],
      description: "credentials turned away in a month, by reason, so that a payload at fault shows",
      authScopes: { permission: "SETTINGS_INTEGRATIONS_VIEW" },
      args: { period: t.arg({ type: "Period", description: "the current month where it is left out" }) },
      resolve: (_, { period }, context) =>
        readRefusals(
          context.store.reader,
          callerOf(context, "SETTINGS_INTEGRATIONS_VIEW").orgId,
          period ?? periodOf(context.clock.now()),
        ),
    }),
  }));

  builder.mutationFields((t) => ({
    enrolProxy: t.field({
      type: Enrolment,
      description: "makes a token for one more proxy",
      authScopes: { permission: "SETTINGS_INTEGRATIONS_UPDATE" },
      args: { name: t.arg.string({ required: true, description: "which proxy it is for" }) },
      resolve: (_, { name }, context) => {
        const change = changeBy(callerOf(context, "SETTINGS_INTEGRATIONS_UPDATE"), context);
        return commit(context, (db) => enrolProxy(db, change, name));
      },
    }),
    revokeProxy: t.boolean({
      description: "revokes a proxy's token; false when there is no active one with that id",
      authScopes: { permission: "SETTINGS_INTEGRATIONS_UPDATE" },
      args: { keyId: t.arg.string({ required: true, description: "the token's id" }) },
      resolve: (_, { keyId }, context) => {
        const change = changeBy(callerOf(context, "SETTINGS_INTEGRATIONS_UPDATE"), context);
        return commit(context, (db) => revokeKey(db, change, keyId, ["enrolment"]));
      },
    }),
  }));
}

const refusalTexts: Readonly<Record<RefusalReason, string>> = {
  missing: "no credential was sent",
  malformed: "it was no Basic credential",
  placeholder: "the user name is a placeholder that the MDM did not fill in",
  not_an_email: "the user name is no e-mail address",
  unknown_key: "the key is not known",
  revoked_key: "the key was revoked",
  clear_text: "it came without TLS",
};
