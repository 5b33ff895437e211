/** What a machine does to a daemon: nothing may be lost by it, nothing doubled, and nothing may end the daemon. */
import { once } from "node:events";
import { appendFileSync, mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import test from "ava";
import { systemClock, type Clock } from "@flowstate/shared/clock";
import { createLogger } from "@flowstate/shared/log";
import { openSqlite } from "@flowstate/shared/sqlite";
import { temporaryFolder } from "@flowstate/shared/testing/temp";
import { until } from "@flowstate/shared/testing/until";
import { mintKey } from "@flowstate/shared/keys";
import { fewestBlank } from "@flowstate/shared/wire/format";
import { readDaemonConfig } from "../src/daemon-config.ts";
import { startDaemon } from "../src/run/daemon.ts";
import { canLimitFiles, limitFiles } from "./support/full-disk.ts";
import { startIngest, type Fate, type Ingest } from "./support/ingest.ts";
import { claudeRow, newPerson } from "./support/person.ts";

const log = ".claude/projects/-src-api/s1.jsonl";

/** Calls with the output that each is to end with, by id. */
const outputs = (ingest: Ingest): Readonly<Record<string, number | null>> =>
  Object.fromEntries(
    ingest
      .calls()
      .map(({ callId, tokens }) => [callId, tokens.output] as const)
      .toSorted(([a], [b]) => (a < b ? -1 : 1)),
  );
const expected = (count: number, output: number): Readonly<Record<string, number>> =>
  Object.fromEntries(
    Array.from({ length: count }, (_, id) => [`msg_${id}`, output] as const).toSorted(([a], [b]) =>
      a < b ? -1 : 1,
    ),
  );

test.serial(
  "killed at any moment, with a control plane that fails at any moment, the daemon loses and doubles nothing",
  async (t) => {
    await using ingest = await startIngest();
    const fates: readonly Fate[] = ["taken", "answer lost", "refused"];
    ingest.fate = () => fates[Math.floor(Math.random() * 3)] ?? "taken";
    await using person = newPerson({
      FLOWSTATE_CONTROL_PLANE: ingest.url,
      FLOWSTATE_CAPTURE: "session-logs",
    });
    const rounds = 4;
    const perRound = 40;
    person.write(log, "");
    const file = join(person.home, log);
    for (let round = 0; round < rounds; round += 1) {
      const rows = Array.from({ length: perRound }, (_, index) => {
        const id = `msg_${round * perRound + index}`;
        return claudeRow(id, { output: 3 }) + claudeRow(id, { output: 30 });
      }).join("");
      const cut = Math.floor(Math.random() * rows.length);
      appendFileSync(file, rows.slice(0, cut));
      const { process: daemon } = await person.startDaemon();
      await delay(Math.random() * 300);
      appendFileSync(file, rows.slice(cut));
      await delay(Math.random() * 300);
      const gone = once(daemon, "exit");
      daemon.kill("SIGKILL");
      await gone;
    }
    ingest.fate = () => "taken";
    await person.startDaemon();
    const all = expected(rounds * perRound, 30);
    await until(
      "every call with its last count",
      () => JSON.stringify(outputs(ingest)) === JSON.stringify(all),
    ).catch(() => undefined);
    t.deepEqual(outputs(ingest), all);
  },
);

/** A machine in this process, whose clock is the test's. */
function machine(url: string, clock: Clock) {
  const folder = temporaryFolder();
  const env = {
    FLOWSTATE_DATA_DIR: join(folder.path, "data"),
    FLOWSTATE_OTLP_KEY: mintKey("org").text,
    FLOWSTATE_USER: "ada@example.com",
    FLOWSTATE_CONTROL_PLANE: url,
    FLOWSTATE_CAPTURE: "session-logs",
    FLOWSTATE_POLL_MS: "20",
  };
  const file = join(folder.path, log);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, "");
  const config = {
    ...readDaemonConfig(env),
    machine: { home: folder.path, platform: "linux", env: {} } as const,
  };
  return {
    append: (text: string) => appendFileSync(file, text),
    start: () => startDaemon(config, { clock, log: createLogger("agent", "silent") }),
    [Symbol.dispose]: folder[Symbol.dispose],
  };
}

const dayMs = 86_400_000;
const hurried = (now: () => number): Clock => ({
  now,
  sleep: (ms, signal) => systemClock.sleep(Math.min(ms, 10), signal),
});

test.serial("a month without a control plane is delivered when it is back, each call once", async (t) => {
  await using ingest = await startIngest();
  ingest.fate = () => "refused";
  let today = Date.parse("2026-10-01T12:00:00Z");
  using one = machine(
    ingest.url,
    hurried(() => (today += 5000)),
  );
  const days = 30;
  const perDay = 50;
  for (let day = 0; day < days; day += 10) {
    await using daemon = await one.start();
    t.is(daemon.relay, null);
    for (let index = day; index < day + 10; index += 1) {
      const rows = Array.from({ length: perDay }, (_, call) => claudeRow(`msg_${index * perDay + call}`));
      one.append(rows.join(""));
      const before = ingest.refusals();
      today += dayMs;
      await until("another attempt", () => ingest.refusals() > before);
    }
  }
  t.deepEqual(ingest.calls(), []);
  ingest.fate = () => "taken";
  await using daemon = await one.start();
  await until("every call", () => ingest.calls().length === days * perDay);
  t.deepEqual(outputs(ingest), expected(days * perDay, 10));
  t.is(daemon.relay, null);
});

test.serial("a clock that leaps by a year, either way, holds nothing back", async (t) => {
  await using ingest = await startIngest();
  let now = Date.parse("2026-10-01T12:00:00Z");
  using one = machine(
    ingest.url,
    hurried(() => now),
  );
  await using daemon = await one.start();
  for (const [index, leapMs] of [0, -365 * dayMs, 2 * 365 * dayMs, -365 * dayMs].entries()) {
    one.append(claudeRow(`msg_${index}`));
    // Noted before the leap or after it, whichever comes first; then the hold passes.
    now += leapMs;
    await until("the call", () => {
      now += 5000;
      return ingest.calls().length === index + 1;
    });
  }
  t.deepEqual(outputs(ingest), expected(4, 10));
  t.is(daemon.relay, null);
});

test.serial(
  "a format that is no longer understood is told of by status, log and report, and is never silently zero",
  async (t) => {
    await using ingest = await startIngest();
    await using person = newPerson({
      FLOWSTATE_CONTROL_PLANE: ingest.url,
      FLOWSTATE_CAPTURE: "session-logs",
    });
    const rows = Array.from({ length: 30 }, (_, id) => claudeRow(`msg_${id}`).replaceAll("_tokens", "Count"));
    person.write(log, rows.join("").replaceAll('"content"', '"role":"assistant","content"'));
    // Where no statement finds its columns, and no reader its list, as little may be silent.
    person.write(".copilot/session-store.db", "");
    const store = openSqlite(join(person.home, ".copilot/session-store.db"));
    store.exec("CREATE TABLE sessions (id, cwd); CREATE TABLE assistant_usage_events (id, prompt_tokens)");
    const threads = Array.from({ length: 30 }, (_, id) => `.local/share/amp/threads/T-${id}.json`);
    for (const thread of threads) {
      store.exec("INSERT INTO assistant_usage_events VALUES (1, 2)");
      person.write(thread, '{"turns":[]}');
    }
    store.close();
    await person.startDaemon();
    const { stdout } = await until("the alarms", async () => {
      const status = await person.flowstate("status");
      return status.stdout.split("30 of 30 answers gave no usage").length === 4 ? status : null;
    });
    const tools = ["claude-code", "copilot-cli", "amp"];
    for (const tool of tools) {
      t.true(
        stdout.includes(
          `the log of ${tool} (unknown version) is not understood: 30 of 30 answers gave no usage`,
        ),
        stdout,
      );
    }
    await until("the warning", async () =>
      (await person.flowstate("logs")).stdout.includes("WARN  a tool writes what this agent does not"),
    );
    // A format may become an alarm, and be told, before the last of its logs is read.
    const isTold = (tool: string): boolean =>
      ingest
        .formats()
        .some((told) => told.tool === tool && told.capture === "session-log" && told.blank >= fewestBlank);
    await until("the reports", () => (tools.every(isTold) ? true : null));
  },
);

const onLinux = canLimitFiles() ? test.serial : test.serial.skip;
onLinux("a full disk ends nothing, and what happened meanwhile is told when there is room", async (t) => {
  await using ingest = await startIngest();
  await using person = newPerson({ FLOWSTATE_CONTROL_PLANE: ingest.url });
  person.write(log, claudeRow("msg_0"));
  const { process: daemon, relay } = await person.startDaemon();
  await until("the first call", () => ingest.calls().length === 1);

  limitFiles(daemon.pid ?? 0, "0");
  appendFileSync(join(person.home, log), [1, 2, 3].map((id) => claudeRow(`msg_${id}`)).join(""));
  const { logs } = await until("a log that could not be taken in", async () => {
    const status = JSON.parse((await person.flowstate("status", "--json")).stdout) as {
      logs: { broken: number };
    };
    return status.logs.broken > 0 ? status : null;
  });
  t.true(logs.broken > 0);
  t.is((await fetch(`${relay}/proxy.pac`)).status, 200);
  t.is(daemon.exitCode, null);

  limitFiles(daemon.pid ?? 0, "unlimited");
  await until("the others", () => ingest.calls().length === 4);
  t.deepEqual(outputs(ingest), expected(4, 10));
});
