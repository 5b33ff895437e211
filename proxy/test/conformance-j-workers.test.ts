/** Cases of sections G, I and J that need the program as it is run: in processes of its own, with signals and limits. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { connect as connectTls } from "node:tls";
import anyTest, { type TestFn } from "ava";
import { temporaryFolder } from "@flowstate/shared/testing/temp";
import { until } from "@flowstate/shared/testing/until";
import { startProxyProcess, type ProxyProcess, type ProxyProcessOptions } from "./support/process.ts";
import { connectHead, echo, exchange, readAll, startTarget, tunnel } from "./support/running.ts";

type Target = Awaited<ReturnType<typeof startTarget>>;

const test = anyTest as TestFn<{ target: Target; to: string; folder: string; stack: AsyncDisposableStack }>;

test.before(async (t) => {
  const stack = new AsyncDisposableStack();
  const target = stack.use(await startTarget(echo));
  t.context = { target, to: `127.0.0.1:${target.port}`, folder: stack.use(temporaryFolder()).path, stack };
});

test.after.always((t) => t.context.stack.disposeAsync());

let started = 0;

function start(folder: string, options: Partial<ProxyProcessOptions> = {}): Promise<ProxyProcess> {
  started += 1;
  return startProxyProcess({ folder: join(folder, String(started)), ...options });
}

/** Two workers, each with its keys: one that has none yet answers 503. */
async function startTwo(folder: string, options: Partial<ProxyProcessOptions> = {}): Promise<ProxyProcess> {
  const proxy = await start(folder, { args: ["--workers", "2"], ...options });
  await until("keys on both workers", () => snapshotsTaken(proxy) >= 2);
  return proxy;
}

const snapshotsTaken = (proxy: ProxyProcess): number =>
  proxy.log().filter(({ msg }) => msg === "took a key snapshot").length;

/** Process ids of the workers that have served so far. */
const workersOf = (proxy: ProxyProcess): number[] =>
  proxy
    .log()
    .filter(({ msg }) => msg === "a worker serves")
    .map(({ worker }) => Number(worker));

const sumOf = ({ controlPlane }: ProxyProcess, field: "tunnels" | "bytesUp" | "bytesDown"): number =>
  controlPlane.rows().reduce((sum, row) => sum + row[field], 0);

/** One tunnel with a few bytes each way; false where anything goes wrong. */
async function through({ met }: ProxyProcess, to: string): Promise<boolean> {
  const socket = await tunnel(met, to).catch(() => null);
  if (socket === null) return false;
  socket.end("hello");
  const whole = (await readAll(socket).catch(() => Buffer.alloc(0))).toString() === "hello";
  socket.destroy();
  return whole;
}

test.serial("J3 a rolling restart of two workers under load fails no new tunnel", async (t) => {
  const { folder, to } = t.context;
  await using proxy = await startTwo(folder);
  const results: boolean[] = [];
  const load = new AbortController();
  const client = async (): Promise<void> => {
    while (!load.signal.aborted) results.push(await through(proxy, to));
  };
  const clients = Array.from({ length: 4 }, client);
  await until("load", () => results.length > 20);
  proxy.signal("SIGHUP");
  await until("two fresh workers", () => workersOf(proxy).length === 4);
  const sofar = results.length;
  await until("load on the fresh ones", () => results.length > sofar + 20);
  load.abort();
  await Promise.all(clients);
  t.is(results.filter((whole) => !whole).length, 0);
  await until("every tunnel in the meter", () => sumOf(proxy, "tunnels") === results.length);
  await until("every byte", () => sumOf(proxy, "bytesUp") >= results.length * 5);
  t.is(sumOf(proxy, "bytesUp"), results.length * 5);
});

test.serial(
  "I4 J1 two workers add up in the meter, in /metrics and in /tunnels, and SIGTERM drains both with exit code 0",
  async (t) => {
    const { folder, to } = t.context;
    await using proxy = await startTwo(folder);
    const open = await tunnel(proxy.met, to, "x");
    for (let index = 0; index < 20; index += 1) t.true(await through(proxy, to));
    const metrics = async (): Promise<string> => (await fetch(`${proxy.admin}/metrics`)).text();
    await until("the sum of both", async () =>
      /^flowstate_proxy_requests_total\{kind="connect",outcome="carried"\} 20$/m.test(await metrics()),
    );
    t.regex(await metrics(), /^flowstate_proxy_open_tunnels 1$/m);
    const { tunnels } = (await (await fetch(`${proxy.admin}/tunnels`)).json()) as { tunnels: unknown[] };
    t.is(tunnels.length, 1);
    t.is((await fetch(`${proxy.admin}/readyz`)).status, 200);
    const chatter = setInterval(() => open.write("y"), 50);
    proxy.signal("SIGTERM");
    await until("the listener to be closed", async () => (await proxy.met.dial().catch(() => null)) === null);
    clearInterval(chatter);
    open.end();
    open.resume();
    t.is(await proxy.ended, 0);
    t.is(sumOf(proxy, "tunnels"), 21);
    t.is(sumOf(proxy, "bytesUp"), sumOf(proxy, "bytesDown"));
  },
);

test.serial("I4 a worker that is killed is replaced, and nothing is counted twice", async (t) => {
  const { folder, to } = t.context;
  await using proxy = await startTwo(folder);
  for (let index = 0; index < 10; index += 1) t.true(await through(proxy, to));
  await until("the meter", () => sumOf(proxy, "bytesUp") === 50);
  const [victim = 0] = workersOf(proxy);
  process.kill(victim, "SIGKILL");
  await until("its successor", () => workersOf(proxy).length === 3);
  for (let index = 0; index < 10; index += 1) t.true(await through(proxy, to));
  await until("the meter", () => sumOf(proxy, "bytesUp") >= 100);
  t.is(sumOf(proxy, "tunnels"), 20);
  t.is(sumOf(proxy, "bytesUp"), 100);
});

test.serial("what workers could not deliver is delivered by the next start, however it serves", async (t) => {
  const { folder, to } = t.context;
  const place = join(folder, "left");
  const first = await startTwo(folder, { folder: place });
  await first.controlPlane.vanish();
  for (let index = 0; index < 20; index += 1) t.true(await through(first, to));
  first.signal("SIGTERM");
  t.is(await first.ended, 0);
  await first[Symbol.asyncDispose]();
  writeFileSync(
    join(place, "proxy/outbox-9.db"),
    "not a database, and long enough to be taken for one".repeat(20),
  );
  await using second = await startProxyProcess({ folder: place });
  await until("what was left", () => sumOf(second, "bytesUp") >= 100);
  t.is(sumOf(second, "bytesUp"), 100);
  t.is(sumOf(second, "tunnels"), 20);
  await until("the one that is damaged", () =>
    second.log().some(({ msg }) => /cannot be read/.test(String(msg))),
  );
});

test.serial("sessions resume on whichever worker answers, and limits hold for both together", async (t) => {
  const { folder, to } = t.context;
  await using proxy = await startTwo(folder);
  const first = await proxy.met.dial({ maxVersion: "TLSv1.2" });
  const session = first.getSession();
  first.destroy();
  for (let index = 0; index < 10; index += 1) {
    const socket = await proxy.met.dial({
      maxVersion: "TLSv1.2",
      ...(session === undefined ? {} : { session }),
    });
    t.true(socket.isSessionReused());
    socket.destroy();
  }
  // Opened before there is a limit, they count all the same.
  const open = [await tunnel(proxy.met, to), await tunnel(proxy.met, to)];
  proxy.controlPlane.setPolicy({
    perSubject: { tunnels: 2, newTunnelsPerSecond: null, bytesPerSecond: null },
  });
  const isFull = async (): Promise<boolean> =>
    (await exchange(proxy.met, connectHead(proxy.met, to))).status === 429;
  await until("both workers to know", async () => {
    for (let index = 0; index < 10; index += 1) if (!(await isFull())) return false;
    return true;
  });
  for (const socket of open) socket.destroy();
  await until("room", async () => !(await isFull()));
});

test.serial("J2 a second SIGTERM ends everything at once", async (t) => {
  const { folder, to } = t.context;
  await using proxy = await startTwo(folder, { env: { FLOWSTATE_PROXY_DRAIN_MS: "600000" } });
  const open = await tunnel(proxy.met, to);
  const chatter = setInterval(() => open.write("y"), 50);
  open.resume();
  proxy.signal("SIGTERM");
  await until("the listener to be closed", async () => (await proxy.met.dial().catch(() => null)) === null);
  proxy.signal("SIGTERM");
  t.is(await proxy.ended, 130);
  await readAll(open).catch(() => null);
  clearInterval(chatter);
});

test.serial("G11 a proxy that runs out of descriptors lives on and serves again", async (t) => {
  if (process.platform === "win32") {
    t.log("skipped: Windows has no ulimit");
    t.pass();
    return;
  }
  const { folder, to } = t.context;
  await using proxy = await start(folder, { prefix: ["sh", "-c", 'ulimit -n 60 && exec "$@"', "sh"] });
  const sockets = Array.from({ length: 90 }, () =>
    connectTls({ port: proxy.port, host: "127.0.0.1", ca: proxy.ca }).on("error", () => undefined),
  );
  await until("the last descriptor", () => sockets.some(({ destroyed }) => destroyed));
  for (const socket of sockets) socket.destroy();
  await until("service", () => through(proxy, to));
  t.pass();
});

test.serial("a setting that is wrong ends the program with one line before any worker starts", async (t) => {
  const { folder } = t.context;
  const error = await t.throwsAsync(
    start(folder, { args: ["--workers", "2"], env: { FLOWSTATE_PROXY_CERT: "/nowhere.pem" } }),
  );
  t.regex(error.message, /^[^\n]*FLOWSTATE_PROXY_CERT[^\n]*\(FS_CONFIG_INVALID\)[^\n]*\n$/);
});
