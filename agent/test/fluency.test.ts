/** Conversations judged by the daemon: counts leave the machine, words do not. */
import { appendFileSync, existsSync, readFileSync, utimesSync } from "node:fs";
import { join } from "node:path";
import test from "ava";
import * as v from "valibot";
import { systemClock } from "@flowstate/shared/clock";
import { createLogger } from "@flowstate/shared/log";
import { openOutbox } from "@flowstate/shared/outbox/outbox";
import { temporaryFolder } from "@flowstate/shared/testing/temp";
import { until } from "@flowstate/shared/testing/until";
import { fluencyEvent, type FluencyEvent } from "@flowstate/shared/wire/fluency";
import { appraise } from "../src/fluency/appraise.ts";
import { openTold } from "../src/fluency/told.ts";
import { watchConversations } from "../src/fluency/watch.ts";
import { startControlPlane } from "./support/control-plane.ts";
import { claudeRow, newPerson, type Person } from "./support/person.ts";

const sessionLog = ".claude/projects/-src-api/s1.jsonl";

const said = (id: string, content: string, at = "2026-11-20T10:00:01.000Z"): string =>
  `${JSON.stringify({ type: "user", uuid: id, sessionId: "s1", timestamp: at, message: { role: "user", content } })}\n`;
const answered = (id: string): string =>
  `${JSON.stringify({
    type: "assistant",
    uuid: id,
    sessionId: "s1",
    timestamp: "2026-11-20T10:00:02.000Z",
    message: { role: "assistant", content: [{ type: "text", text: "yes" }] },
  })}\n`;

const opening =
  said("u1", "Before you write any code, ask me what the secret project Nightjar needs.") + answered("a1");

/** What stands in the outbox since it was looked at last. */
const written = (outbox: ReturnType<typeof openOutbox>): FluencyEvent[] => {
  const rows = outbox.peek(100)?.rows ?? [];
  outbox.acknowledge(rows.at(-1)?.seq ?? 0);
  return rows.map(({ seq, body }) => v.parse(fluencyEvent, { ...(JSON.parse(body) as object), seq }));
};

const open = (person: Person, folder: string) => {
  const told = openTold(join(folder, "fluency.db"));
  const outbox = openOutbox({ file: join(folder, "outbox.db") });
  const machine = { home: person.home, platform: process.platform, env: {} };
  const look = (quietMs = 0, now = Date.now()) =>
    appraise({ machine, told, outbox, quietMs, now: () => now }, new AbortController().signal);
  return { told, outbox, look };
};

test("a conversation is told once it rests, and again as a higher revision when it shows something new", async (t) => {
  await using person = newPerson();
  using folder = temporaryFolder();
  const { told, outbox, look } = open(person, folder.path);
  using both = new DisposableStack();
  both.use(told);
  both.use(outbox);
  person.write(sessionLog, opening);
  t.is(await look(60_000), 0);
  t.is(await look(60_000, Date.now() + 120_000), 1);
  const [first] = written(outbox);
  t.like(first, { sessionId: "s1", tool: "claude-code", revision: 1, ruleVersion: 2 });
  t.deepEqual(first?.indicators.sets_interaction_mode, { observed: 1, opportunities: 1 });
  t.deepEqual(first?.indicators.checks_facts, { observed: 0, opportunities: 0 });

  t.is(await look(), 0);
  appendFileSync(join(person.home, sessionLog), claudeRow("msg_1"));
  t.is(await look(), 0);
  t.deepEqual(written(outbox), []);

  appendFileSync(join(person.home, sessionLog), said("u2", "Are you sure? Show me the source."));
  t.is(await look(), 1);
  const [second] = written(outbox);
  t.is(second?.revision, 2);
  t.deepEqual(second?.indicators.checks_facts, { observed: 1, opportunities: 1 });
});

test("what is older than the longest trend is not judged, and a log judged by other rules is judged again", async (t) => {
  await using person = newPerson();
  using folder = temporaryFolder();
  const { told, outbox, look } = open(person, folder.path);
  using both = new DisposableStack();
  both.use(told);
  both.use(outbox);
  person.write(sessionLog, opening);
  const old = new Date(Date.now() - 91 * 86_400_000);
  utimesSync(join(person.home, sessionLog), old, old);
  t.is(await look(), 0);
  const recent = new Date(Date.now() - 86_400_000);
  utimesSync(join(person.home, sessionLog), recent, recent);
  t.is(await look(), 1);
  told.judged("1:1", "stamp", 1);
  t.true(told.isJudged("1:1", "stamp", 1));
  t.false(told.isJudged("1:1", "stamp", 2));
  t.false(told.isJudged("1:1", "other", 1));
});

const languages: readonly [language: string, opening: string, told: number][] = [
  ["German", "Bevor du irgendwas änderst, frag mich bitte, was dir für den Export noch fehlt.", 1],
  [
    "French",
    "Avant de coder, pose-moi des questions : il te manque peut-être quelque chose pour l'export.",
    1,
  ],
  ["Spanish", "Antes de escribir nada, hazme preguntas: quizá te falta algo para la exportación.", 1],
  ["Italian", "Prima di scrivere il codice, chiedimi che cosa ti manca ancora per l'esportazione.", 0],
];
for (const [language, opens, expected] of languages) {
  test(`a conversation in ${language} is ${expected === 1 ? "told by its own phrases" : "not told"}`, async (t) => {
    await using person = newPerson();
    using folder = temporaryFolder();
    const { told, outbox, look } = open(person, folder.path);
    using both = new DisposableStack();
    both.use(told);
    both.use(outbox);
    person.write(sessionLog, said("u1", opens) + answered("a1"));
    t.is(await look(), expected);
    const counts = written(outbox).map(({ indicators }) => indicators.sets_interaction_mode);
    t.deepEqual(counts, expected === 1 ? [{ observed: 1, opportunities: 1 }] : []);
  });
}

test("a full outbox loses no conversation", async (t) => {
  await using person = newPerson();
  using folder = temporaryFolder();
  using told = openTold(join(folder.path, "fluency.db"));
  using small = openOutbox({ file: join(folder.path, "small.db"), maxBytes: 10 });
  using outbox = openOutbox({ file: join(folder.path, "outbox.db") });
  const machine = { home: person.home, platform: process.platform, env: {} };
  const { signal } = new AbortController();
  const options = { machine, told, quietMs: 0, now: Date.now };
  person.write(sessionLog, opening);
  await t.throwsAsync(appraise({ ...options, outbox: small }, signal), { message: /is full/ });
  t.is(await appraise({ ...options, outbox }, signal), 1);
  t.is(written(outbox)[0]?.revision, 1);
});

test("judging can be turned on and off while the agent runs", async (t) => {
  await using person = newPerson();
  using folder = temporaryFolder();
  using outbox = openOutbox({ file: join(folder.path, "outbox.db") });
  const machine = { home: person.home, platform: process.platform, env: {} };
  const file = join(folder.path, "fluency.db");
  const log = createLogger("agent", "silent");
  let on = false;
  let looks = 0;
  const isOn = (): boolean => {
    looks += 1;
    return on;
  };
  const stop = new AbortController();
  const options = { machine, outbox, file, isOn, quietMs: 0, now: Date.now, clock: systemClock, log };
  const watching = watchConversations(options, stop.signal);
  const looked = (more: number) => {
    const target = looks + more;
    return until("further looks", () => (looks >= target ? true : null));
  };
  person.write(sessionLog, opening);
  await looked(3);
  t.is(outbox.depth().rows, 0);
  t.false(existsSync(file));
  on = true;
  await until("the conversation", () => (outbox.depth().rows === 1 ? true : null));
  on = false;
  await looked(1);
  appendFileSync(join(person.home, sessionLog), said("u2", "Are you sure?"));
  await looked(3);
  t.is(outbox.depth().rows, 1);
  stop.abort();
  await watching;
});

test("the daemon tells counts and no words, only where fluency is on", async (t) => {
  await using controlPlane = await startControlPlane();
  const settings = { FLOWSTATE_CONTROL_PLANE: controlPlane.url, FLOWSTATE_FLUENCY_QUIET_MS: "10" };
  await using silent = newPerson({ ...settings, FLOWSTATE_CAPTURE: "session-logs" });
  silent.write(sessionLog, opening + claudeRow("msg_1"));
  await silent.startDaemon();
  await until("the call of the silent one", () => (controlPlane.models.length > 0 ? true : null));

  await using person = newPerson({ ...settings, FLOWSTATE_CAPTURE: "session-logs,fluency" });
  person.write(sessionLog, opening);
  await person.startDaemon();
  const event = await until("a judged conversation", () =>
    controlPlane.events.find((one) => v.is(fluencyEvent, one)),
  );
  t.like(event, { sessionId: "s1", revision: 1 });
  t.is(controlPlane.events.filter((one) => v.is(fluencyEvent, one)).length, 1);
  t.notRegex(JSON.stringify(controlPlane.events), /nightjar|secret|code,/i);
  t.notRegex(readFileSync(join(person.home, ".flowstate/fluency.db"), "latin1"), /nightjar/i);
});
