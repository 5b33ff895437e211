import { shippedPrices } from "@flowstate/shared/prices/book";
import { rate } from "@flowstate/shared/prices/rate";
import type { PolicyDocument, PolicyRule } from "@flowstate/shared/policy/document";
import type { Subject } from "@flowstate/shared/subject";
import { addDays, dateOf, dayMs, hourMs, type UsageDate } from "@flowstate/shared/time";
import { tokens } from "@flowstate/shared/tokens";
import type { CallEvent } from "@flowstate/shared/wire/call";
import type { PolicyHits } from "@flowstate/shared/wire/policy-hits";
import type { KeyContext } from "../../keys/provision.ts";
import { activatePolicy, draftPolicy } from "../../policy/versions.ts";
import { createServiceAccount } from "../../service-accounts/accounts.ts";
import type { ServiceEnvironment } from "../../service-accounts/tables.ts";
import type { Store, Writer } from "../../store/open.ts";
import { daysOf } from "../days.ts";
import { demoCalls } from "./activity.ts";
import {
  demoAccounts,
  demoCompany,
  demoPolicyNote,
  demoTools,
  type DemoCompany,
  type DemoPerson,
} from "./company.ts";
import { answerRule, contentRule, demoIncidents } from "./incidents.ts";
import { randomFor } from "./random.ts";
import { eventOf, seqOf, tellDevices, type DemoSeed } from "./seed.ts";

/** Of everything here: a policy and programs that are weeks old. */
const ageDays = 28;

/**
 * Adds what an administrator of the demo company would have set up: programs with their own keys, which nobody was
 * shown, and a policy for the demo's teams alone that only observes and warns, with the calls that met it. An
 * organisation that has a policy keeps it.
 */
export async function seedGovernance(
  store: Store,
  context: KeyContext,
  { seed, days }: Pick<DemoSeed, "seed" | "days">,
): Promise<void> {
  const { orgId, now } = context;
  const company = demoCompany(seed);
  const today = dateOf(now);
  const told = daysOf({ from: addDays(today, -Math.min(days, ageDays)), until: addDays(today, -1) });
  const version = await store.transact(async (db) => {
    await addAccounts(db, context);
    return addPolicy(db, context);
  });
  await tellDevices(store, { orgId, seed, now, what: "programs" }, accounts, (account) =>
    told.flatMap((day) => callsOf(seed, account, day)),
  );
  if (version === null) return;
  await tellDevices(store, { orgId, seed, now, what: "policy" }, company.people, (person) =>
    told.flatMap((day) => hitsOf(company, person, day, version)),
  );
}

interface DemoAccount {
  readonly id: string;
  readonly email: Subject;
  readonly name: string;
  readonly environment: ServiceEnvironment;
  readonly description: string;
  readonly intendedScope: string;
  /** Every so many days somebody uses its key by hand; null for never. */
  readonly byHandEvery: number | null;
}

const accounts: readonly DemoAccount[] = [
  {
    id: "demo-release-notes",
    email: `${demoAccounts}release-notes` as Subject,
    name: "Demo release notes",
    environment: "production",
    description: "Demo: runs in the release pipeline",
    intendedScope: "Writes the notes of each release",
    byHandEvery: 13,
  },
  {
    id: "demo-support-triage",
    email: `${demoAccounts}support-triage` as Subject,
    name: "Demo support triage",
    environment: "staging",
    description: "Demo: reads the support inbox",
    intendedScope: "Sorts incoming tickets",
    byHandEvery: null,
  },
];

async function addAccounts(db: Writer, context: KeyContext): Promise<void> {
  const known = await db
    .selectFrom("service_accounts")
    .select("subject")
    .where("org_id", "=", context.orgId)
    .where("subject", "like", `${demoAccounts}%`)
    .execute();
  const subjects = new Set(known.map(({ subject }) => subject));
  for (const { email, name, environment, description, intendedScope } of accounts) {
    if (subjects.has(email)) continue;
    const fields = { name, environment, description, intendedScope, abuseDetection: true };
    await createServiceAccount(db, context, fields);
  }
}

/** A few calls of a program each working day. */
function callsOf(seed: number, { id, byHandEvery }: DemoAccount, day: UsageDate): readonly CallEvent[] {
  const start = Date.parse(day);
  const random = randomFor(seed, id, day);
  const isByHand = byHandEvery !== null && Math.floor(start / dayMs) % byHandEvery === 4;
  if ([0, 6].includes(new Date(start).getUTCDay()) && !isByHand) return [];
  const model = "claude-haiku-4-5";
  return Array.from({ length: 8 }, (_, index) => {
    const at = start + 4 * hourMs + index * 60_000;
    const counts = tokens({
      input: random.whole(2000, 9000),
      output: random.whole(200, 900),
      cacheRead: 0,
      cacheWrite5m: 0,
      cacheWrite1h: 0,
    });
    const price = shippedPrices().find("anthropic", model, at);
    const call = {
      callId: `${id}-${seed}-${day}-${index}`,
      sessionId: `${id}-${seed}-${day}`,
      tool: isByHand ? demoTools.claudeCode : { ...demoTools.claudeCode, tool: "demo-script" },
      model,
      at,
      tokens: counts,
      costNanoUsd: price === null ? null : (rate(price, counts)?.costNanoUsd ?? null),
      durationMs: random.whole(900, 4000),
      status: 200,
      project: "github.com/demo-invalid/gateway",
    };
    return eventOf(call, seqOf(day, "call", index));
  });
}

const everybody = { kind: "team", team: "demo-engineering" } as const;
const providersRule = "Demo: providers with an agreement";
const modelsRule = "Demo: everyday models for Platform";

const document: PolicyDocument = {
  summary:
    "Demo: which providers there are agreements with, which models are for everyday work, and what must stay here.",
  rules: [
    {
      name: providersRule,
      type: "PROVIDER_ALLOWLIST",
      providers: ["anthropic", "openai", "cursor"],
      action: "WARN",
      scope: everybody,
      onUnknown: "open",
      message: "There is no agreement with this provider yet.",
    },
    {
      name: modelsRule,
      type: "MODEL_DENYLIST",
      models: ["claude-opus-*"],
      action: "OBSERVE",
      scope: { kind: "team", team: "demo-platform" },
      onUnknown: "open",
    },
    {
      name: contentRule,
      type: "CONTENT_DLP",
      in: "request",
      detectors: ["secret", "payment_card", "email_address"],
      phrases: ["Project Nightjar"],
      inspect: "new_content",
      action: "WARN",
      scope: everybody,
      onUnknown: "open",
    },
    {
      name: answerRule,
      type: "CONTENT_DLP",
      in: "answer",
      detectors: [],
      phrases: ["we guarantee"],
      inspect: "new_content",
      action: "OBSERVE",
      scope: everybody,
      onUnknown: "open",
    },
    {
      name: "Demo: four hundred dollars a month",
      type: "MONTHLY_SPEND_CAP_PER_SUBJECT",
      provider: "anthropic",
      capUsd: "400.00",
      action: "OBSERVE",
      scope: everybody,
      onUnknown: "open",
    },
  ],
};

/** The demo's policy in force, put in force where the organisation had none; null where it has its own. */
async function addPolicy(db: Writer, context: KeyContext): Promise<number | null> {
  const { orgId, now } = context;
  const versions = await db
    .selectFrom("policy_versions")
    .select(["version", "state", "note"])
    .where("org_id", "=", orgId)
    .execute();
  if (versions.length > 0) {
    const own = versions.find(({ state, note }) => state === "ACTIVE" && note === demoPolicyNote);
    return own === undefined ? null : Number(own.version);
  }
  const version = await draftPolicy(db, context, { text: JSON.stringify(document), note: demoPolicyNote });
  await activatePolicy(db, context, version);
  const began = Math.floor(now / dayMs - ageDays) * dayMs;
  await db
    .updateTable("policy_versions")
    .set({ drafted_at: began, activated_at: began })
    .where("org_id", "=", orgId)
    .where("version", "=", BigInt(version))
    .execute();
  return version;
}

/** How often a person's calls of a day broke a rule, as their device would tell. */
function hitsOf(
  company: DemoCompany,
  person: DemoPerson,
  day: UsageDate,
  version: number,
): readonly PolicyHits[] {
  const { calls: wrong, contents } = demoIncidents(company, day);
  const own = [...demoCalls(company, day), ...wrong].filter(
    (call) => call.observed && call.person === person && call.status === 200,
  );
  const found = contents.filter((content) => content.person === person);
  const broken: readonly (readonly [rule: string, calls: readonly { readonly at: number }[]])[] = [
    [providersRule, own.filter(({ tool }) => tool.provider === "google")],
    [
      modelsRule,
      own.filter(({ model }) => person.teamId === "demo-platform" && model.startsWith("claude-opus-")),
    ],
    [contentRule, found.filter(({ rule }) => rule === contentRule)],
    [answerRule, found.filter(({ rule }) => rule === answerRule)],
  ];
  return broken.flatMap(([rule, calls], index) => {
    if (calls.length === 0) return [];
    const last = Math.max(...calls.map(({ at }) => at));
    return {
      seq: seqOf(day, "hits", index),
      kind: "policy" as const,
      occurredAt: new Date(last).toISOString(),
      version,
      rule,
      action: actionOf(rule),
      enforced: false,
      calls: calls.length,
    };
  });
}

function actionOf(rule: string): PolicyRule["action"] {
  return document.rules.find(({ name }) => name === rule)?.action ?? "OBSERVE";
}
