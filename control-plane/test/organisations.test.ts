/** Organisations in one database: whatever one of them has and does, the others are told and lose nothing. */
import { graphql } from "graphql";
import type { ExecutionContext } from "ava";
import { must } from "@flowstate/shared/assert";
import { systemClock } from "@flowstate/shared/clock";
import { newOrgId, type OrgId } from "@flowstate/shared/ids";
import { temporaryFolder } from "@flowstate/shared/testing/temp";
import { permissions } from "../src/access/permissions.ts";
import { readConfig } from "../src/config.ts";
import { createOidcClient } from "../src/login/oidc/client.ts";
import { createOrg } from "../src/orgs/orgs.ts";
import { seedDemo } from "../src/providers/demo/seed.ts";
import { servicesOf } from "../src/providers/services.ts";
import { createShelf } from "../src/releases/shelf.ts";
import { createStatusCard } from "../src/proxy-status/status.ts";
import { openInstallation } from "../src/secrets/installation.ts";
import type { GraphqlContext } from "../src/serve/graphql/builder.ts";
import { schema } from "../src/serve/graphql/schema.ts";
import { testOnBothEngines, type OpenedStore } from "./support/both-engines.ts";
import { documentFor, namesThing } from "./support/every-operation.ts";
import { newMasterKey } from "./support/running.ts";

const now = Date.UTC(2026, 10, 20, 12);
const startedAt = Date.now();
/** Begins at noon and goes on, because some wait by it; `scrub` makes its moments one. */
const clock = { ...systemClock, now: () => now + Date.now() - startedAt };
const queries = Object.values(must(schema.getQueryType(), "no queries").getFields());
const mutations = Object.values(must(schema.getMutationType(), "no mutations").getFields());

/** Everything that GraphQL stands on, without the watchers that work in between. */
async function open(address: OpenedStore["address"]) {
  const stack = new AsyncDisposableStack();
  const folder = stack.use(temporaryFolder());
  const masterKey = newMasterKey().reveal();
  const settings = readConfig({ FLOWSTATE_DATA_DIR: folder.path, FLOWSTATE_MASTER_KEY: masterKey });
  const config = { ...settings, store: address };
  const installation = stack.use(await openInstallation(config, clock));
  const { store, master } = installation;
  const services = {
    store,
    clock,
    pepper: master.pepper,
    statusCard: createStatusCard(store.reader),
    proxyUrl: config.proxyUrl,
    publicUrl: () => new URL("https://flowstate.example"),
    poke: () => undefined,
    syncing: { ...servicesOf(config, installation), clock },
    shelf: createShelf(config.releasesFolder),
    postSignal: async () => ({ kind: "unreachable", reason: "nothing leaves this test" }) as const,
    oidc: createOidcClient(() => Promise.reject(new Error("nothing leaves this test")), clock),
    stopping: new AbortController().signal,
  };
  const ask = async (orgId: OrgId, source: string) => {
    const principal = { kind: "api_key", orgId, keyId: "test", permissions: new Set(permissions) } as const;
    const contextValue: GraphqlContext = { ...services, principal };
    const { data, errors = [] } = await graphql({ schema, source, contextValue });
    return { data, messages: errors.map(({ message }) => message) };
  };
  return { store, ask, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

type Opened = Awaited<ReturnType<typeof open>>;

/** The same company each time a seed is given again, down to its identifiers. */
async function fill({ store, ask }: Opened, orgId: OrgId, seed: number): Promise<void> {
  await seedDemo(store, { orgId, seed, days: 10, now });
  const done = async (source: string) => {
    const { data, messages } = await ask(orgId, `mutation { ${source} }`);
    if (messages.length > 0) throw new Error(messages.join("; "));
    return data as { readonly addUsageProvider?: { readonly id: string } };
  };
  const { addUsageProvider: added } = await done(
    `addUsageProvider(kind: DEMO, name: "${seed}", credentials: [{ name: "seed", value: "${seed}" }]) { id }`,
  );
  await done(`syncUsageProvider(id: "${added?.id}") { rows }`);
  await done(
    `provisionOrgKey { keyId } createServiceAccount(name: "bot ${seed}", environment: STAGING) { key }`,
  );
  await nudgeSomebody(store, orgId, seed);
  await done('runReconciliation(period: "2026-11") { rows } refreshForecasts');
}

/** Somebody without a manager, whose nudge has climbed until others see it. */
async function nudgeSomebody(store: Opened["store"], orgId: OrgId, seed: number): Promise<void> {
  const id = `nudge-${seed}`;
  const subject = `nudged-${seed}@example.com`;
  await store.transact(async (db) => {
    const asked = await db
      .insertInto("members")
      .values({
        org_id: orgId,
        member_id: id,
        email: subject,
        role: "viewer",
        password_hash: null,
        created_at: now,
      })
      .onConflict((on) => on.columns(["org_id", "email"]).doNothing())
      .returning("member_id")
      .executeTakeFirst();
    if (asked === undefined) return;
    await db
      .insertInto("nudges")
      .values({
        org_id: orgId,
        nudge_id: id,
        subject,
        track: "SIGNALS",
        period: "2026-11",
        day: "2026-11-19",
        rule_version: 1n,
        tier: 4n,
        message: "made up",
        amount_nano_usd: null,
        signal_ids: "[]",
        nudged_at: now - 1000,
        answer: null,
        answered_at: null,
        answered_amount_nano_usd: null,
      })
      .execute();
    await db
      .insertInto("nudge_replies")
      .values({
        org_id: orgId,
        reply_id: id,
        nudge_id: id,
        kind: "SUBJECT_RESPONSE",
        author: subject,
        text: "made up",
        replied_at: now,
      })
      .execute();
  });
}

async function answers({ ask }: Opened, orgId: OrgId): Promise<Readonly<Record<string, unknown>>> {
  const all: Record<string, unknown> = {};
  for (const field of queries) {
    const { data, messages } = await ask(orgId, documentFor("query", field, { orgId, id: "none" }));
    all[field.name] = scrub(data?.[field.name] ?? messages);
  }
  return all;
}

function scrub(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value).replaceAll(/"2026-11-20T12:[^"]*"/g, '"today"')) as unknown;
}

function idsIn(value: unknown, found = new Set<string>()): ReadonlySet<string> {
  if (Array.isArray(value)) for (const each of value) idsIn(each, found);
  else if (typeof value === "object" && value !== null) {
    for (const [name, each] of Object.entries(value)) {
      if (/(?:^id|Id)$/.test(name) && typeof each === "string") found.add(each);
      else idsIn(each, found);
    }
  }
  return found;
}

async function compare(t: ExecutionContext, { store, address, orgId }: OpenedStore): Promise<void> {
  await using opened = await open(address);
  await fill(opened, orgId, 1);
  const before = await answers(opened, orgId);
  t.true(idsIn(before).size > 100, "the company has something to lose");

  const other = newOrgId();
  await store.transact((db) => createOrg(db, { orgId: other, slug: "other", now }));
  const { viewer: _, orgAiServices: __, ...empty } = await answers(opened, other);
  t.deepEqual([...idsIn(empty)], [], "a new organisation has nothing");

  for (const seed of [1, 2]) await fill(opened, other, seed);
  t.deepEqual(
    await answers(opened, orgId),
    before,
    "the same company beside it, and one more, change nothing",
  );

  const own = idsIn(await answers(opened, other));
  // Two of each kind of thing: some that only the first has, and some whose identifiers both have.
  const some = (wanted: (id: string) => boolean) =>
    Object.values(before).flatMap((answer) => [...idsIn(answer)].filter(wanted).slice(0, 2));
  const foreign = some((id) => !own.has(id) && id !== orgId);
  const shared = some((id) => own.has(id));
  t.true(foreign.length > 5 && shared.length > 5, `${foreign.length} and ${shared.length} identifiers`);
  for (const field of mutations.filter(({ args }) => args.some(namesThing))) {
    const ask = async (id: string) => {
      const answer = await opened.ask(other, documentFor("mutation", field, { orgId: other, id }));
      return JSON.stringify(answer).replaceAll(id, "none");
    };
    const nothing = await ask("none");
    for (const id of foreign) t.is(await ask(id), nothing, `${field.name} of another's ${id}`);
    for (const id of shared) await ask(id);
  }
  for (const field of mutations.filter(({ args }) => !args.some(namesThing))) {
    await opened.ask(other, documentFor("mutation", field, { orgId: other, id: "none" }));
  }
  t.deepEqual(await answers(opened, orgId), before, "whatever they ask changes nothing");
}

testOnBothEngines("an organisation's answers do not depend on what another has and does", compare);
