/** Bills of the further providers in the store, on both engines: restated, withdrawn, and given to people. */
import type { UsageProviderKind } from "../src/providers/kinds.ts";
import { addProvider } from "../src/providers/actions.ts";
import { syncNow } from "../src/providers/sync.ts";
import { testOnBothEngines } from "./support/both-engines.ts";
import { window } from "./support/connection.ts";
import { never, readRevisions, readRows, syncingOn } from "./support/syncing.ts";
import type { Vendor } from "./support/vendor.ts";
import { awsKey, emptyAws, startAws } from "./support/vendors/aws.ts";
import { azureSecret, emptyAzure, startAzure } from "./support/vendors/azure.ts";
import {
  emptyGateway,
  gatewayKeys,
  startFal,
  startFireworks,
  startTogether,
} from "./support/vendors/gateways.ts";
import { emptyGithub, githubToken, startGithub } from "./support/vendors/github.ts";
import { emptyOpenRouter, openrouterKey, startOpenRouter } from "./support/vendors/openrouter.ts";

const lastWeek = window("2026-11-10", "2026-11-19");
const [one, other] = ["2026-11-12", "2026-11-13"] as const;

interface Restating {
  readonly kind: UsageProviderKind;
  readonly credentials: Readonly<Record<string, string>>;
  /** A vendor that bills `amount` on one day, and 1 on another unless the amount is another than 2. */
  readonly start: (amount: () => number) => Promise<Vendor>;
  /** The person whom the line of that day is given to. */
  readonly subject: string | null;
}

const providers: readonly Restating[] = [
  {
    kind: "GITHUB_COPILOT",
    credentials: { token: githubToken, organisation: "acme" },
    subject: "ada@example.com",
    start: (amount) => {
      const world = { ...emptyGithub(), seats: [{ login: "ada-gh", email: "ada@example.com" }] };
      return startGithub({
        ...world,
        get usage() {
          return days(amount()).map(({ day, cost }) => ({ day, login: "ada-gh", gross: cost, net: cost }));
        },
      });
    },
  },
  {
    kind: "AWS_BEDROCK",
    credentials: awsKey,
    subject: null,
    start: (amount) =>
      startAws({
        ...emptyAws(),
        get lines() {
          const line = { account: "1", service: "Amazon Bedrock", type: "tokens", record: "Usage" } as const;
          return days(amount()).map(({ day, cost }) => ({ ...line, day, amount: String(cost) }));
        },
      }),
  },
  {
    kind: "AZURE_OPENAI",
    credentials: {
      tenantId: "tenant-1",
      clientId: "c",
      clientSecret: azureSecret,
      scope: "subscriptions/sub-1",
    },
    subject: null,
    start: (amount) =>
      startAzure({
        ...emptyAzure(),
        get rows() {
          const row = { service: "Azure OpenAI", resource: "r", meter: "m" };
          return days(amount()).map((given) => ({ ...row, ...given }));
        },
      }),
  },
  {
    kind: "OPENROUTER",
    credentials: { managementKey: openrouterKey },
    subject: "ada@example.com",
    start: (amount) =>
      startOpenRouter({
        ...emptyOpenRouter(),
        members: [{ id: "user_ada", email: "ada@example.com" }],
        get activity() {
          return days(amount()).map(({ day, cost }) => ({ date: day, user: "user_ada", usage: cost }));
        },
      }),
  },
  {
    kind: "FAL",
    credentials: { adminKey: gatewayKeys.fal },
    subject: "ada@example.com",
    start: (amount) => startFal(gateway(amount, "key_1")),
  },
  {
    kind: "FIREWORKS",
    credentials: { apiKey: gatewayKeys.fireworks },
    subject: "ada@example.com",
    start: (amount) => startFireworks(gateway(amount, "ada")),
  },
  {
    kind: "TOGETHER",
    credentials: { apiKey: gatewayKeys.together },
    subject: null,
    start: (amount) => startTogether(gateway(amount, "key_1")),
  },
];

function days(amount: number): readonly { readonly day: string; readonly cost: number }[] {
  const first = { day: one, cost: amount };
  return amount === 2 ? [first, { day: other, cost: 1 }] : [first];
}

function gateway(amount: () => number, cause: string) {
  return {
    ...emptyGateway(),
    get usage() {
      return days(amount()).map((given) => ({ ...given, cause }));
    },
  };
}

for (const { kind, credentials, start, subject } of providers) {
  testOnBothEngines(
    `${kind}: last week restated is a revision, and a line taken back is withdrawn`,
    async (t, { store, orgId }) => {
      let amount = 2;
      await using vendor = await start(() => amount);
      const { services, context } = syncingOn(store, orgId);
      const inputs = Object.entries({ ...credentials, baseUrl: vendor.url }).map(([name, value]) => ({
        name,
        value,
      }));
      const { integration } = await addProvider(services, context(), { kind, name: null, inputs }, never);
      const sync = () => syncNow(services, orgId, integration.providerId, lastWeek, "request", never);
      t.like(await sync(), { lines: 2, added: 2, revised: 0, withdrawn: 0 });
      const before = await readRows(store, orgId);
      t.deepEqual(
        before.map((row) => [row.usage_day, row.amount_nano_usd, row.subject]),
        [
          [one, 2_000_000_000n, subject],
          [other, 1_000_000_000n, subject],
        ],
      );
      services.clock.advance(3_600_000);
      t.like(await sync(), { added: 0, revised: 0, withdrawn: 0 }, "the same bill again changes nothing");
      t.deepEqual(await readRows(store, orgId), before);
      services.clock.advance(3_600_000);
      amount = 2.5;
      t.like(await sync(), { lines: 1, added: 0, revised: 1, withdrawn: 1 });
      const after = await readRows(store, orgId);
      t.deepEqual(
        after.map((row) => [row.row_id, row.revision, row.withdrawn_at === null]),
        [
          [before[0]?.row_id, 2n, true],
          [before[1]?.row_id, 1n, false],
        ],
      );
      t.deepEqual(await readRevisions(store, orgId, before[0]?.fact_key ?? ""), ["1: 2", "2: 2.5"]);
      t.deepEqual(vendor.violations, []);
    },
  );
}
