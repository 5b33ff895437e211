/** The commands about a running agent, each as a process beside a daemon of its own. */
import { once } from "node:events";
import { appendFileSync, rmSync, statSync } from "node:fs";
import { request } from "node:http";
import { join } from "node:path";
import test from "ava";
import { until } from "@flowstate/shared/testing/until";
import { defaultAgentSettings } from "@flowstate/shared/wire/agent-policy";
import { startControlPlane } from "./support/control-plane.ts";
import { claudeRow, newPerson, type Person } from "./support/person.ts";
import { startPolicyDesk } from "./support/policy-desk.ts";
import { startUpstream } from "./support/upstream.ts";

const log = ".claude/projects/-src-api/s1.jsonl";

interface Status {
  readonly running: boolean;
  readonly pid: number;
  readonly relay: string | null;
  readonly logs: { readonly lookedAt: string | null; readonly broken: number };
  readonly calls: { readonly known: number };
  readonly delivery: {
    readonly waiting: number;
    readonly deliveredAt: string | null;
    readonly failure: { readonly reason: string } | null;
  };
}

const statusOf = async (person: Person): Promise<Status> =>
  JSON.parse((await person.flowstate("status", "--json")).stdout) as Status;

const statusWhen = (what: string, person: Person, holds: (status: Status) => boolean): Promise<Status> =>
  until(what, async () => {
    const status = await statusOf(person);
    return holds(status) ? status : null;
  });

test("status says what the daemon has seen, delivered and could not deliver", async (t) => {
  await using controlPlane = await startControlPlane();
  await using person = newPerson({ FLOWSTATE_CONTROL_PLANE: controlPlane.url });
  const before = await person.flowstate("status");
  t.is(before.code, 69);
  t.is(before.stdout, "");
  t.regex(before.stderr, /^no agent runs with the data folder .*\.flowstate \(FS_UNAVAILABLE\)/);
  t.deepEqual(JSON.parse((await person.flowstate("status", "--json")).stdout), {
    running: false,
    dataFolder: join(person.home, ".flowstate"),
  });

  person.write(
    log,
    claudeRow("msg_1") + claudeRow("msg_2") + '{"type":"assistant","message":{"usage":{"input_tokens":\n',
  );
  const { process: daemon, relay } = await person.startDaemon();
  const seen = await statusWhen(
    "two calls to arrive",
    person,
    ({ delivery }) => delivery.deliveredAt !== null && controlPlane.models.length === 2,
  );
  t.like(seen, { running: true, pid: daemon.pid ?? 0, relay, user: "ada@example.com" });
  t.is(seen.calls.known, 2);
  t.is(seen.delivery.failure, null);
  t.is(seen.logs.broken, 1);

  controlPlane.refuseKeys = true;
  appendFileSync(join(person.home, log), claudeRow("msg_3"));
  const refused = await statusWhen("a refusal", person, ({ delivery }) => delivery.failure !== null);
  t.regex(refused.delivery.failure?.reason ?? "", /refuses the key or the e-mail \(401\)/);
  t.is(refused.delivery.waiting, 1);
  const { code, stdout, stderr } = await person.flowstate("status");
  t.is(code, 0);
  t.is(stderr, "");
  t.regex(stdout, /control plane +http:\/\/127\S+, not delivering: .*401/);
  t.regex(stdout, /calls +3 calls known, 1 waiting/);
  t.false(stdout.includes(person.key));
  t.is(statSync(join(person.home, ".flowstate/agent.sock")).mode & 0o077, 0);
});

test("one daemon holds a data folder, and its death by any means lets go of it", async (t) => {
  await using person = newPerson({ FLOWSTATE_CAPTURE: "session-logs" });
  const first = await person.startDaemon();
  const second = await person.flowstate("run");
  t.is(second.code, 69);
  t.regex(second.stderr, /another agent runs with the data folder .*\(FS_ALREADY_RUNNING\)/);
  t.is(second.stderr.trim().split("\n").length, 1);
  t.is((await statusOf(person)).pid, first.process.pid ?? 0);
  const gone = once(first.process, "exit");
  first.process.kill("SIGKILL");
  await gone;
  const third = await person.startDaemon();
  t.is((await statusOf(person)).pid, third.process.pid ?? 0);
});

test("logs shows the last lines, in words, and then those to come", async (t) => {
  await using person = newPerson({ FLOWSTATE_CAPTURE: "session-logs" });
  t.is((await person.flowstate("logs")).code, 66);
  await person.startDaemon();
  person.write(".flowstate/agent.log.1", '{"level":"warn","time":"2026-11-20T00:00:00Z","msg":"older"}\n');
  const { stdout } = await person.flowstate("logs");
  t.regex(
    stdout,
    /^2026-11-20T00:00:00Z WARN {2}older\n\S+Z INFO {2}the agent is running version="\S+" relay=null\n/,
  );
  t.is((await person.flowstate("logs", "--lines", "1")).stdout.trim().split("\n").length, 1);
  t.is((await person.flowstate("logs", "--lines", "many")).code, 64);

  const following = person.spawn("logs", "--lines", "0", "--follow");
  let said = "";
  following.stdout.on("data", (chunk: Buffer) => (said += chunk.toString()));
  // The follower may look for the first time before or after the first of these lines.
  await until("a line to be followed", () => {
    appendFileSync(join(person.home, ".flowstate/agent.log"), "a line\n");
    return said.includes("a line\n");
  });
  rmSync(join(person.home, ".flowstate/agent.log"));
  await until("a line of a new log", () => {
    appendFileSync(join(person.home, ".flowstate/agent.log"), "a new log\n");
    return said.includes("a new log\n");
  });
  const ended = once(following, "exit");
  following.kill("SIGTERM");
  t.deepEqual(await ended, [0, null]);
});

test("a damaged file of the agent is named with what helps, and left as it is", async (t) => {
  await using person = newPerson({ FLOWSTATE_CAPTURE: "session-logs" });
  for (const file of ["ledger.db", "outbox.db"]) {
    person.write(`.flowstate/${file}`, "no database".repeat(1000));
    const { code, stderr } = await person.flowstate("run");
    t.is(code, 74);
    t.true(stderr.includes(`${file} is damaged`), stderr);
    t.regex(stderr, /move the named file away and start again: it makes a new one\n$/);
    rmSync(join(person.home, ".flowstate", file));
  }
});

test("pac prints what the relay serves", async (t) => {
  await using person = newPerson();
  const { relay } = await person.startDaemon();
  const port = new URL(relay ?? "").port;
  const served = await fetch(`${relay}/proxy.pac`);
  t.is(served.headers.get("content-type"), "application/x-ns-proxy-autoconfig");
  await using same = newPerson({ FLOWSTATE_RELAY_PORT: port });
  t.is((await same.flowstate("pac")).stdout, await served.text());
  await using closed = newPerson({ FLOWSTATE_WHEN_DOWN: "fail" });
  t.false((await closed.flowstate("pac")).stdout.includes("; DIRECT"));
});

test("sessions lists the latest conversations, also when their logs have gone", async (t) => {
  await using person = newPerson({ FLOWSTATE_CAPTURE: "session-logs" });
  const none = await person.flowstate("sessions");
  t.is(none.code, 66);
  t.regex(none.stderr, /flowstate scan --by session/);
  person.write(log, claudeRow("msg_1") + claudeRow("msg_2", { output: 20 }));
  const later = { session: "s2", at: "2026-11-20T12:00:00.000Z" };
  person.write(
    ".claude/projects/-src-api/s2.jsonl",
    claudeRow("msg_3", { ...later, model: "no-such-model" }),
  );
  await person.startDaemon();
  await statusWhen("three calls", person, ({ calls }) => calls.known === 3);
  rmSync(join(person.home, ".claude"), { recursive: true });
  const { sessions, totals, unpricedModels } = JSON.parse(
    (await person.flowstate("sessions", "--json")).stdout,
  ) as { sessions: readonly object[]; totals: object; unpricedModels: readonly object[] };
  t.is(sessions.length, 2);
  t.like(sessions[0], { session: "s2", tool: "claude-code", project: "api", calls: 1, costUsd: null });
  t.like(sessions[1], {
    session: "s1",
    firstAt: "2026-11-20T10:00:00.000Z",
    calls: 2,
    inputTokens: 200,
    outputTokens: 30,
    costUsd: "0.00105",
  });
  t.like(totals, { calls: 3, costUsd: "0.00105", unpricedCalls: 1 });
  t.deepEqual(unpricedModels, [{ provider: "anthropic", model: "no-such-model", calls: 1 }]);
  t.regex(
    (await person.flowstate("sessions")).stdout,
    / s1 +2 .* <0\.01\n/,
    "less than a cent is not nothing",
  );
  const { stdout } = await person.flowstate("sessions", "--limit", "1");
  t.regex(stdout, /^last \(UTC\) +tool +project +session +calls/);
  t.regex(stdout, /2026-11-20 12:00 +claude-code +api +s2 +1 .*unknown\n/);
  t.false(stdout.includes("s1 "));
});

test("calls are delivered through the network's own proxy", async (t) => {
  await using controlPlane = await startControlPlane();
  await using upstream = await startUpstream();
  const address = new URL(controlPlane.url);
  address.hostname = "control.test";
  await using person = newPerson({
    FLOWSTATE_CAPTURE: "session-logs",
    FLOWSTATE_CONTROL_PLANE: address.origin,
    FLOWSTATE_UPSTREAM_PROXY: upstream.address,
  });
  person.write(log, claudeRow("msg_1"));
  await person.startDaemon();
  await until("a call to arrive", () => controlPlane.models.length === 1);
  t.true(upstream.asked.some((each) => each.includes(`control.test:${address.port}`)));
  const { stdout } = await person.flowstate("doctor");
  t.regex(stdout, /^ok {4}control plane: http:\/\/control\.test:\d+ takes calls with this key$/m);
});

test("the organisation's settings name a proxy, and the relay takes it up without a restart", async (t) => {
  await using desk = await startPolicyDesk();
  await using upstream = await startUpstream({ open: true });
  await using person = newPerson({ FLOWSTATE_CAPTURE: "relay", FLOWSTATE_CONTROL_PLANE: desk.url });
  const { relay } = await person.startDaemon();
  await until("the policy to be heard", () => desk.asked > 0);
  desk.put({ settings: { ...defaultAgentSettings, upstreamProxy: upstream.address } });
  const { hostname, port } = new URL(relay ?? "");
  await until("a tunnel through the proxy", async () => {
    const asked = request({
      host: hostname,
      port,
      method: "CONNECT",
      path: `far.test:${new URL(desk.url).port}`,
    });
    asked.once("connect", (_, socket) => socket.destroy());
    asked.on("error", () => undefined);
    asked.end();
    await once(asked, "close");
    return upstream.asked.length > 0;
  });
  t.regex(upstream.asked[0] ?? "", /^CONNECT far\.test:/);
});
