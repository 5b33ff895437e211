/** What the meter may lose and may never do when processes die without a word under load. */
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { connect, type TLSSocket } from "node:tls";
import { setTimeout as delay } from "node:timers/promises";
import test from "ava";
import { basicCredential } from "@flowstate/shared/net/basic-auth";
import { temporaryFolder } from "@flowstate/shared/testing/temp";
import { until } from "@flowstate/shared/testing/until";
import { runProgram, startInstallation, type Installation } from "./support/installation.ts";
import { startOrigin } from "./support/origin.ts";

const perSecond = 200;
const secondsPerRound = 3;
const rounds = 3;
const lossWindowMs = 10_000;
const subject = "load@example.com";

test("killed again and again under load: at most ten seconds of meter lost, nothing counted twice, the database opens clean", async (t) => {
  using folder = temporaryFolder();
  await using origin = await startOrigin(folder.path);
  await using installation = await startInstallation();
  const { stdout } = await installation.control("org-key", "provision", "--org", "default", "--json");
  const { key } = JSON.parse(stdout) as { key: string };
  const credential = basicCredential({ user: subject, password: key });
  const open = () => openTunnel(installation, `${origin.host}:${origin.port}`, credential);
  await until("the key to work", open, 5000);

  const openedAt: number[] = [Date.now()];
  const proxyKilledAt: number[] = [];
  const load = async (): Promise<void> => {
    const end = Date.now() + secondsPerRound * 1000;
    const inFlight = new Set<Promise<void>>();
    while (Date.now() < end) {
      const attempt = open().then((opened) => void (opened && openedAt.push(Date.now())));
      inFlight.add(attempt);
      void attempt.finally(() => inFlight.delete(attempt));
      await delay(1000 / perSecond);
    }
    await Promise.all(inFlight);
  };

  for (let round = 0; round < rounds; round += 1) {
    const running = load();
    await delay((secondsPerRound * 1000) / 2);
    kill(installation, "control-plane");
    await delay((secondsPerRound * 1000) / 4);
    kill(installation, "proxy");
    proxyKilledAt.push(Date.now());
    await running;
  }

  const atRisk = openedAt.filter((at) =>
    proxyKilledAt.some((killed) => at <= killed && at > killed - lossWindowMs),
  ).length;
  const settled = await until("the meter to settle", () => settledCount(installation));
  t.true(
    settled <= openedAt.length,
    `${settled} metered, ${openedAt.length} opened: something was counted twice`,
  );
  t.true(
    settled >= openedAt.length - atRisk,
    `${settled} metered, ${openedAt.length} opened, only ${atRisk} at risk`,
  );
  t.true(settled > 0);

  await installation.interrupt();
  const integrity = await runProgram(process.execPath, [
    "--input-type=module",
    "-e",
    `import Database from "better-sqlite3"; const db = new Database(${JSON.stringify(`${installation.dataDir}/control-plane.db`)}); console.log(db.pragma("integrity_check", { simple: true }));`,
  ]);
  t.is(integrity.stdout.trim(), "ok", integrity.stderr);
});

/** The subject's tunnels once two answers a flush apart agree; null while they move or the control plane is away. */
async function settledCount(installation: Installation): Promise<number | null> {
  const read = async (): Promise<number | null> => {
    const { subjectMeter } = await installation.graphql<{
      subjectMeter: { subject: string; tunnels: string }[];
    }>("{ subjectMeter { subject tunnels } }");
    return Number(subjectMeter.find((row) => row.subject === subject)?.tunnels ?? 0);
  };
  const first = await read().catch(() => null);
  await delay(lossWindowMs);
  const second = await read().catch(() => null);
  return first !== null && first === second ? second : null;
}

function kill(installation: Installation, part: "control-plane" | "proxy"): void {
  const pid = installation.pidOf(part);
  if (pid !== null) process.kill(pid, "SIGKILL");
}

/** One tunnel: true once the proxy answered 200, false for anything else. Closed again at once, in an orderly way. */
async function openTunnel(installation: Installation, target: string, credential: string): Promise<boolean> {
  const { hostname, port } = new URL(installation.proxy);
  const socket: TLSSocket = connect({
    host: hostname,
    port: Number(port),
    ca: readFileSync(installation.caFile),
  });
  try {
    await once(socket, "secureConnect", { signal: AbortSignal.timeout(5000) });
    socket.write(
      `CONNECT ${target} HTTP/1.1\r\nHost: ${target}\r\nProxy-Authorization: ${credential}\r\n\r\n`,
    );
    const [answer] = (await once(socket, "data", { signal: AbortSignal.timeout(5000) })) as [Buffer];
    socket.on("error", () => undefined);
    socket.end();
    return answer.toString("latin1").startsWith("HTTP/1.1 200");
  } catch {
    socket.on("error", () => undefined);
    socket.destroy();
    return false;
  }
}
