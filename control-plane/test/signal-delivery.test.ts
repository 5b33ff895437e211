/** Signals on their way out: to whom, in which words, signed, and again until they are taken. */
import { randomBytes } from "node:crypto";
import { BlockList } from "node:net";
import test from "ava";
import { Webhook } from "standardwebhooks";
import { must } from "@flowstate/shared/assert";
import type { OrgId } from "@flowstate/shared/ids";
import { createLogger } from "@flowstate/shared/log";
import { until } from "@flowstate/shared/testing/until";
import { dayMs } from "@flowstate/shared/time";
import { createEvents } from "../src/events.ts";
import { proveMasterKey } from "../src/secrets/canary.ts";
import { deriveKeys } from "../src/secrets/master-key.ts";
import { rewrapAll } from "../src/secrets/rotate.ts";
import { withKeptPepper } from "../src/secrets/pepper.ts";
import { pauseDestination, rotateSigningSecret } from "../src/signals/delivery/change-destination.ts";
import { deliverWaiting, leaseMs } from "../src/signals/delivery/deliver.ts";
import {
  addDestination,
  deliveryJobs,
  listDestinations,
  openDestination,
  removeDestination,
  signingSecrets,
  type NewDestination,
} from "../src/signals/delivery/destinations.ts";
import type { SignalEvent } from "../src/signals/delivery/payload.ts";
import { createPost } from "../src/signals/delivery/post.ts";
import type { Finding } from "../src/signals/finding.ts";
import { storeFindings } from "../src/signals/store-findings.ts";
import { leaseJob } from "../src/store/jobs.ts";
import type { Store } from "../src/store/open.ts";
import { testOnBothEngines } from "./support/both-engines.ts";
import { hurriedClock, type HurriedClock } from "./support/clock.ts";
import { refusal } from "./support/reconciling.ts";
import { startReceiver, type Receiver } from "./support/receiver.ts";
import { newMasterKey, startRunning } from "./support/running.ts";

const master = deriveKeys(randomBytes(32));
const events = createEvents(createLogger("control-plane", "silent"));
const loopback = new BlockList();
loopback.addSubnet("127.0.0.0", 8, "ipv4");

function finding(subject: string, change: Partial<Finding> = {}): Finding {
  return {
    type: "spend_spike",
    severity: "WARN",
    subject,
    sessionId: null,
    service: null,
    about: "",
    occurrence: "2026-11-20",
    at: Date.now(),
    evidence: { paidUsd: "60.00", limitUsd: "50.00" },
    ...change,
  };
}

interface Desk {
  readonly clock: HurriedClock;
  add(receiver: Receiver, change?: Partial<NewDestination>): Promise<{ id: string; secret: string }>;
  raise(...findings: readonly Finding[]): Promise<void>;
  /** One round for whoever is due, as the program does it; false when nobody is. */
  deliver(): Promise<boolean>;
}

/** What the program does with destinations, a step at a time, on a clock that only moves when told. */
async function open(store: Store, orgId: OrgId, networks = loopback): Promise<Desk & AsyncDisposable> {
  await proveMasterKey(store, master);
  const clock = hurriedClock(Date.now());
  const post = createPost(networks);
  const services = { store, clock, master, events, post };
  return {
    clock,
    async add(receiver, change = {}) {
      const given: NewDestination = {
        name: receiver.host,
        url: receiver.url,
        format: "JSON",
        minSeverity: "WARN",
        categories: null,
        authorization: null,
        ...change,
      };
      const by = { orgId, actor: "admin@example.com", now: clock.now() };
      const added = await store.transact((db) => addDestination(db, by, given, master));
      return { id: added.destinationId, secret: added.secret.reveal() };
    },
    raise: (...findings) =>
      store.transact(async (db) => {
        await storeFindings(db, orgId, findings, clock.now());
      }),
    async deliver() {
      const lease = { owner: "test", now: clock.now(), leaseMs };
      const job = await store.transact((db) => leaseJob(db, lease, deliveryJobs));
      if (job === null) return false;
      await deliverWaiting(services, job, "test", new AbortController().signal);
      return true;
    },
    [Symbol.asyncDispose]: () => post[Symbol.asyncDispose](),
  };
}

const subjectsOf = ({ received }: Receiver): readonly string[] =>
  received.map(({ body }) => (JSON.parse(body) as SignalEvent).data.subject ?? "");

testOnBothEngines("a signal arrives signed, once, at those who want it", async (t, { store, orgId }) => {
  await using desk = await open(store, orgId);
  await using siem = await startReceiver();
  await using chat = await startReceiver();
  const { secret } = await desk.add(siem, { authorization: "Bearer planted-token" });
  await desk.add(chat, { minSeverity: "BLOCK", categories: ["BUDGET"] });
  await desk.raise(
    finding("ada@example.com"),
    finding("bob@example.com", { severity: "INFO" }),
    finding("eve@example.com", { severity: "BLOCK", type: "runaway_loop" }),
    finding("old@example.com", { at: Date.now() - 8 * dayMs }),
  );
  while (await desk.deliver());
  t.deepEqual([...subjectsOf(siem)].sort(), ["ada@example.com", "eve@example.com"]);
  t.deepEqual(subjectsOf(chat), []);
  for (const { headers, body, path } of siem.received) {
    const event = new Webhook(secret).verify(body, headers as Record<string, string>) as SignalEvent;
    t.is(event.type, "signal.detected");
    t.is(path, "/hooks/planted-secret-path");
    t.is(headers.authorization, "Bearer planted-token");
    t.throws(() => new Webhook(secret).verify(`${body} `, headers as Record<string, string>));
  }
  await desk.raise(finding("ada@example.com", { severity: "BLOCK", evidence: { paidUsd: "900.00" } }));
  while (await desk.deliver());
  t.deepEqual(subjectsOf(chat), ["ada@example.com"]);
  t.is(siem.received.length, 3);
  t.is(
    await store.reader
      .selectFrom("jobs")
      .select("name")
      .where("name", "like", `${deliveryJobs}%`)
      .executeTakeFirst(),
    undefined,
  );
});

testOnBothEngines(
  "what is refused comes again under the same id, and nothing is lost",
  async (t, { store, orgId }) => {
    await using desk = await open(store, orgId);
    await using siem = await startReceiver();
    await desk.add(siem);
    siem.answers.push({ status: 503 }, { status: 429, headers: { "retry-after": "600" } });
    await desk.raise(finding("ada@example.com"), finding("bob@example.com"));
    t.true(await desk.deliver());
    t.false(await desk.deliver());
    t.like((await listDestinations(store.reader, orgId))[0], {
      lastError: `${siem.host} answered 503`,
      waiting: 2,
    });
    // A new signal does not make a destination that failed due at once.
    await desk.raise(finding("eve@example.com"));
    t.false(await desk.deliver());
    desk.clock.advance(5000);
    t.true(await desk.deliver());
    desk.clock.advance(599_000);
    t.false(await desk.deliver());
    desk.clock.advance(1000);
    while (await desk.deliver());
    t.like((await listDestinations(store.reader, orgId))[0], { lastError: null, waiting: 0 });
    const people = new Map(
      siem.received.map(({ headers }, index) => [headers["webhook-id"], subjectsOf(siem)[index] ?? ""]),
    );
    t.is(siem.received.length, 5);
    t.deepEqual([...people.values()].sort(), ["ada@example.com", "bob@example.com", "eve@example.com"]);
  },
);

testOnBothEngines(
  "one that is never taken holds up no other, and is given up after three days",
  async (t, { store, orgId }) => {
    await using desk = await open(store, orgId);
    await using siem = await startReceiver();
    await desk.add(siem);
    siem.answers.push({ status: 400 });
    await desk.raise(finding("poison@example.com"));
    t.true(await desk.deliver());
    await desk.raise(finding("ada@example.com"));
    siem.answers.push({ status: 204 }, { status: 400 });
    desk.clock.advance(5000);
    t.true(await desk.deliver());
    t.deepEqual(subjectsOf(siem), ["poison@example.com", "ada@example.com", "poison@example.com"]);
    desk.clock.advance(3 * dayMs + 1);
    while (await desk.deliver());
    t.is(siem.received.length, 3);
    t.is((await listDestinations(store.reader, orgId))[0]?.waiting, 0);
    const given = await store.reader
      .selectFrom("audit_log")
      .select("detail")
      .where("org_id", "=", orgId)
      .where("action", "=", "signal_delivery.given_up")
      .execute();
    t.deepEqual(given, [{ detail: "1 after three days" }]);
  },
);

testOnBothEngines("a paused destination keeps what it gets for three days", async (t, { store, orgId }) => {
  await using desk = await open(store, orgId);
  await using siem = await startReceiver();
  const { id } = await desk.add(siem);
  const pause = (paused: boolean) =>
    store.transact((db) =>
      pauseDestination(db, { orgId, actor: "admin@example.com", now: desk.clock.now() }, id, paused),
    );
  await desk.raise(finding("old@example.com"));
  await pause(true);
  await pause(true);
  t.true(await desk.deliver());
  t.false(await desk.deliver());
  desk.clock.advance(dayMs);
  await desk.raise(finding("ada@example.com"));
  while (await desk.deliver());
  t.deepEqual(siem.received, []);
  t.like((await listDestinations(store.reader, orgId))[0], { waiting: 2, lastError: null });
  desk.clock.advance(2 * dayMs + 1);
  while (await desk.deliver());
  t.is((await listDestinations(store.reader, orgId))[0]?.waiting, 1);
  await pause(false);
  while (await desk.deliver());
  t.deepEqual(subjectsOf(siem), ["ada@example.com"]);
  t.like((await listDestinations(store.reader, orgId))[0], { waiting: 0, pausedAt: null });
  await pause(true);
  await pause(false);
  while (await desk.deliver());
  const actions = await store.reader
    .selectFrom("audit_log")
    .select("action")
    .where("org_id", "=", orgId)
    .where("action", "like", "signal_destination.%")
    .orderBy("sequence")
    .execute();
  t.deepEqual(
    actions.map(({ action }) => action.split(".")[1]),
    ["added", "paused", "resumed", "paused", "resumed"],
  );
  t.regex(
    await refusal(
      store.transact((db) =>
        pauseDestination(db, { orgId, actor: "admin@example.com", now: desk.clock.now() }, "none", true),
      ),
    ),
    /^FS_NOT_FOUND/,
  );
});

testOnBothEngines("for a day the old signing secret signs as well", async (t, { store, orgId }) => {
  await using desk = await open(store, orgId);
  await using siem = await startReceiver();
  const { id, secret: first } = await desk.add(siem, { authorization: "Bearer planted-token" });
  const rotate = async () => {
    const by = { orgId, actor: "admin@example.com", now: desk.clock.now() };
    return (await store.transact((db) => rotateSigningSecret(db, by, id, master))).reveal();
  };
  /** Which of the secrets verify the next delivery. */
  const verify = async (person: string, ...secrets: readonly string[]) => {
    await desk.raise(finding(person));
    while (await desk.deliver());
    const { headers, body } = must(siem.received.at(-1), "nothing came");
    t.is(headers.authorization, "Bearer planted-token");
    return secrets.map((secret) => {
      try {
        new Webhook(secret).verify(body, headers as Record<string, string>);
        return true;
      } catch {
        return false;
      }
    });
  };
  t.deepEqual(await verify("a@example.com", first), [true]);
  const second = await rotate();
  t.deepEqual(await verify("b@example.com", first, second), [true, true]);
  const third = await rotate();
  t.deepEqual(await verify("c@example.com", first, second, third), [false, true, true]);
  const opened = await openDestination(store.reader, orgId, id, master);
  t.is(opened?.old?.secret.reveal(), second);
  t.is((await listDestinations(store.reader, orgId))[0]?.oldSecretUntil, desk.clock.now() + dayMs);
  const signing = (at: number) =>
    signingSecrets(must(opened, "no destination"), at).map((secret) => secret.reveal());
  t.deepEqual(signing(desk.clock.now() + dayMs - 1), [third, second]);
  t.deepEqual(signing(desk.clock.now() + dayMs), [third]);
});

testOnBothEngines("what a process leaves that dies, another delivers", async (t, { store, orgId }) => {
  await using desk = await open(store, orgId);
  await using siem = await startReceiver();
  await desk.add(siem);
  await desk.raise(finding("ada@example.com"));
  const lease = { owner: "dead", now: desk.clock.now(), leaseMs };
  t.truthy(await store.transact((db) => leaseJob(db, lease, deliveryJobs)));
  t.false(await desk.deliver());
  desk.clock.advance(leaseMs);
  t.true(await desk.deliver());
  t.deepEqual(subjectsOf(siem), ["ada@example.com"]);
});

testOnBothEngines(
  "a destination that is removed gets nothing any more, and leaves no secret",
  async (t, { store, orgId }) => {
    await using desk = await open(store, orgId);
    await using siem = await startReceiver();
    const { id } = await desk.add(siem);
    await desk.raise(finding("ada@example.com"));
    const by = { orgId, actor: "admin@example.com", now: desk.clock.now() };
    t.true(await store.transact((db) => removeDestination(db, by, id)));
    t.false(await store.transact((db) => removeDestination(db, by, id)));
    t.false(await desk.deliver());
    t.deepEqual(siem.received, []);
    const row = await store.reader
      .selectFrom("signal_destinations")
      .select("sealed")
      .executeTakeFirstOrThrow();
    t.is(row.sealed, null);
  },
);

testOnBothEngines(
  "a rotation of the master key takes the secrets of destinations along",
  async (t, { store, orgId }) => {
    await using desk = await open(store, orgId);
    await using siem = await startReceiver();
    await withKeptPepper(store, master);
    const { id, secret } = await desk.add(siem);
    const next = deriveKeys(randomBytes(32));
    t.is(await rewrapAll(store, master, next), 3);
    t.is((await openDestination(store.reader, orgId, id, next))?.signing.reveal(), secret);
    await t.throwsAsync(openDestination(store.reader, orgId, id, master), { code: "FS_MASTER_KEY" });
  },
);

test("nothing is posted to a private address that no setting names", async (t) => {
  await using receiver = await startReceiver(["127.0.0.1", "localhost"]);
  const port = receiver.host.split(":")[1];
  const { signal } = new AbortController();
  await using closed = createPost(new BlockList());
  await using allowed = createPost(loopback);
  const told = async (post: typeof closed, url: string): Promise<string> => {
    const posted = await post(new URL(url), {}, "{}", signal);
    return posted.kind === "unreachable" ? posted.reason : `${posted.kind} ${posted.status}`;
  };
  const refusal = "it leads to a private address; FLOWSTATE_SIGNAL_NETWORKS allows those that it names";
  for (const host of [
    "127.0.0.1",
    "localhost",
    "[::1]",
    "10.0.0.8",
    "169.254.169.254",
    "[::ffff:127.0.0.1]",
  ]) {
    const url = new URL(`https://${host}:${port}/`);
    t.is(await told(closed, url.href), `${url.host}: ${refusal}`);
  }
  t.is(await told(closed, `http://127.0.0.1:${port}/`), `127.0.0.1:${port}: ${refusal}`);
  t.is(receiver.received.length, 0);
  t.is(await told(allowed, receiver.url), "accepted 204");
  t.regex(await told(allowed, "https://10.0.0.8/"), /private address/);
  receiver.answers.push({ status: 302, headers: { location: "https://example.com/" } });
  t.is(await told(allowed, receiver.url), "refused 302");
  await using other = await startReceiver(["other.example.com"]);
  t.regex(await told(allowed, other.url), /could not be reached \(ERR_TLS_CERT_ALTNAME_INVALID\)$/);
});

testOnBothEngines("destinations are added, tried, used and removed over GraphQL", async (t, { address }) => {
  await using receiver = await startReceiver();
  await using running = await startRunning({
    store: address,
    masterKey: newMasterKey(),
    orgSlug: "acme",
    env: { FLOWSTATE_SIGNAL_NETWORKS: "127.0.0.0/8" },
  });
  const { store } = running.installation;
  const { orgId } = running.context;
  const key = await running.apiKey(
    "SETTINGS_INTEGRATIONS_UPDATE",
    "SETTINGS_INTEGRATIONS_VIEW",
    "AI_GOVERNANCE_VIEW",
    "AI_POLICY_ADMIN",
  );
  const ask = async (query: string): Promise<Record<string, unknown>> => {
    const { data, codes, messages } = await running.graphql(key, query);
    return codes[0] === undefined ? data : { code: codes[0], message: messages[0] };
  };
  const add = (name: string, url: string, more = "") =>
    ask(
      `mutation { addSignalDestination(name: "${name}", url: "${url}"${more}) { destination { id host lastError } secret } }`,
    );
  t.like(await add("chat", "http://example.com/"), {
    code: "FS_INPUT_INVALID",
    message: "url: expected an https:// address of at most 2000 characters",
  });
  t.like(await add("chat", receiver.url, ", categories: []"), { code: "FS_INPUT_INVALID" });
  t.like(await add("chat", receiver.url, ', authorization: "a\\nb"'), { code: "FS_INPUT_INVALID" });
  const { addSignalDestination: added } = (await add("siem", receiver.url, ", minSeverity: INFO")) as {
    addSignalDestination: { destination: { id: string; host: string }; secret: string };
  };
  t.is(added.destination.host, receiver.host);
  t.regex(added.secret, /^whsec_/);
  t.like(await add("siem", receiver.url), { code: "FS_CONFLICT" });
  const { id } = added.destination;

  const tried = `mutation { testSignalDestination(id: "${id}") { ok status error } }`;
  t.deepEqual(await ask(tried), { testSignalDestination: { ok: true, status: 204, error: null } });
  receiver.answers.push({ status: 401 });
  t.deepEqual(await ask(tried), {
    testSignalDestination: { ok: false, status: 401, error: `${receiver.host} answered 401` },
  });

  await store.transact((db) => storeFindings(db, orgId, [finding("ada@example.com")], Date.now()));
  await until("the signal's delivery", () => receiver.received.length === 3);
  const { behaviouralSignals: signals } = (await ask("{ behaviouralSignals { id } }")) as {
    behaviouralSignals: { id: string }[];
  };
  await ask(`mutation { resolveSignal(id: "${signals[0]?.id}", resolution: FALSE_POSITIVE) { id } }`);
  await until("the verdict's delivery", () => receiver.received.length === 4);
  const told = receiver.received.map(
    ({ headers, body }) =>
      new Webhook(added.secret).verify(body, headers as Record<string, string>) as SignalEvent,
  );
  t.deepEqual(
    told.map(({ type, data }) => `${type} ${data.resolution}`),
    ["signal.test null", "signal.test null", "signal.detected null", "signal.resolved FALSE_POSITIVE"],
  );
  const change = async (mutation: string, fields: string) =>
    Object.values(await ask(`mutation { ${mutation} ${fields} }`))[0];
  t.like(await change(`pauseSignalDestination(id: "${id}")`, "{ id pausedAt }"), { id });
  t.regex(JSON.stringify(await ask("{ signalDestinations { pausedAt } }")), /"pausedAt":"20/);
  t.deepEqual(await change(`pauseSignalDestination(id: "${id}", paused: false)`, "{ pausedAt }"), {
    pausedAt: null,
  });
  const rotated = (await change(
    `rotateSignalSecret(id: "${id}")`,
    "{ secret destination { oldSecretUntil } }",
  )) as { secret: string; destination: { oldSecretUntil: string } };
  t.regex(rotated.secret, /^whsec_/);
  t.not(rotated.secret, added.secret);
  t.true(Date.parse(rotated.destination.oldSecretUntil) > Date.now());
  const listed = JSON.stringify(
    await ask(
      "{ signalDestinations { id name format host minSeverity categories createdBy lastError waiting } }",
    ),
  );
  t.false(/planted|whsec/.test(listed), listed);

  t.deepEqual(await ask(`mutation { removeSignalDestination(id: "${id}") }`), {
    removeSignalDestination: true,
  });
  t.like(await ask(tried), { code: "FS_NOT_FOUND" });
  const { rows } = {
    rows: await store.reader
      .selectFrom("audit_log")
      .select(["action", "detail"])
      .where("org_id", "=", orgId)
      .execute(),
  };
  t.false(JSON.stringify(rows).includes("planted"));
  const actions = rows.map(({ action }) => action).filter((action) => action.startsWith("signal"));
  t.deepEqual(actions, [
    "signal_destination.added",
    "signal_destination.tested",
    "signal_destination.tested",
    "signal.false_positive",
    "signal_destination.paused",
    "signal_destination.resumed",
    "signal_destination.secret_rotated",
    "signal_destination.removed",
  ]);
});
