/** Cases of section E that need the proxy in a process of its own: its memory, and TLS messages that cost it. */
import { spawn } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { connect, type ConnectionOptions, type TLSSocket } from "node:tls";
import anyTest, { type TestFn } from "ava";
import { temporaryFolder } from "@flowstate/shared/testing/temp";
import { until } from "@flowstate/shared/testing/until";
import { startProxyProcess, type ProxyProcess } from "./support/process.ts";
import { echo, startTarget } from "./support/running.ts";

const test = anyTest as TestFn<{ proxy: ProxyProcess; folder: string; stack: AsyncDisposableStack }>;

test.before(async (t) => {
  const stack = new AsyncDisposableStack();
  const folder = stack.use(temporaryFolder()).path;
  const proxy = stack.use(await startProxyProcess({ folder }));
  t.context = { proxy, folder, stack };
});

test.after.always((t) => t.context.stack.disposeAsync());

const head = ({ credential }: ProxyProcess, port: number): string =>
  `CONNECT 127.0.0.1:${port} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nProxy-Authorization: ${credential}\r\n\r\n`;

async function open(proxy: ProxyProcess, port: number, options: ConnectionOptions = {}): Promise<TLSSocket> {
  const to = { port: proxy.port, host: "127.0.0.1", ca: proxy.ca, allowHalfOpen: true };
  const socket = connect({ ...to, ...options });
  await once(socket, "secureConnect");
  socket.write(head(proxy, port));
  const [answer] = (await once(socket, "data")) as [Buffer];
  if (answer.toString() !== "HTTP/1.1 200 Connection Established\r\n\r\n") throw new Error(answer.toString());
  return socket;
}

/** Greatest resident size so far, in bytes. */
const mostResident = ({ pid }: ProxyProcess): number =>
  Number(/^VmHWM:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? Number.NaN) * 1024;

test.serial(
  "E10 I1 2 GiB each way arrive unchanged, metered to the byte, and the proxy does not grow by 64 MB",
  async (t) => {
    const { proxy } = t.context;
    await using target = await startTarget(echo);
    const socket = await open(proxy, target.port);
    // V8 lets 64 MB of read buffers lie before it collects them for the first time; growth counts from then on.
    let residentBefore = Number.NaN;
    const warmUp = 2 ** 28;
    const size = 2 ** 31;
    const block = randomBytes(1 << 20);
    const sent = createHash("sha256");
    const received = createHash("sha256");
    const reading = (async () => {
      let total = 0;
      for await (const chunk of socket) {
        received.update(chunk as Buffer);
        total += (chunk as Buffer).length;
      }
      return total;
    })();
    for (let done = 0; done < size; done += block.length) {
      if (done === warmUp) residentBefore = mostResident(proxy);
      sent.update(block);
      if (!socket.write(block)) await once(socket, "drain");
    }
    socket.end();
    t.is(await reading, size);
    t.is(received.digest("hex"), sent.digest("hex"));
    t.true(mostResident(proxy) - residentBefore < 64e6);
    const sum = await until("the meter", () => {
      const rows = proxy.controlPlane.rows();
      const total = (of: "bytesUp" | "bytesDown" | "tunnels"): number =>
        rows.reduce((all, row) => all + row[of], 0);
      return total("bytesDown") >= size
        ? { bytesDown: total("bytesDown"), bytesUp: total("bytesUp"), tunnels: total("tunnels") }
        : null;
    });
    t.deepEqual(sum, { bytesDown: size, bytesUp: size, tunnels: 1 });
  },
);

test.serial(
  "E21 a client that asks to renegotiate (TLS 1.2) is refused and its tunnel goes no further",
  async (t) => {
    const { proxy } = t.context;
    await using target = await startTarget(echo);
    const socket = await open(proxy, target.port, { maxVersion: "TLSv1.2" });
    const { promise: refused, resolve } = Promise.withResolvers<Error | null>();
    socket.on("error", resolve);
    socket.renegotiate({}, resolve);
    t.truthy(await refused);
    socket.destroy();
    const other = await open(proxy, target.port);
    other.end("still here");
    t.is(Buffer.concat(await other.toArray()).toString(), "still here");
  },
);

test.serial("E22 a flood of TLS key updates neither ends the tunnel nor grows the proxy", async (t) => {
  const { proxy, folder } = t.context;
  await using target = await startTarget(echo);
  const ca = join(folder, "ca.pem");
  writeFileSync(ca, proxy.ca);
  const client = spawn(
    "openssl",
    ["s_client", "-connect", `127.0.0.1:${proxy.port}`, "-CAfile", ca, "-tls1_3"],
    {
      stdio: ["pipe", "pipe", "pipe"],
    },
  );
  let output = "";
  let updates = 0;
  client.stdout.on("data", (text: Buffer) => (output += text.toString("latin1")));
  client.stderr.on(
    "data",
    (text: Buffer) => (updates += text.toString("latin1").split("KEYUPDATE").length - 1),
  );
  client.stdin.write(head(proxy, target.port));
  await until("the tunnel", () => output.includes("200 Connection Established"));
  const residentBefore = mostResident(proxy);
  for (let count = 1; count <= 100; count += 1) {
    // A lone K is s_client's word for "send a key update and ask for one back".
    client.stdin.write("K\n");
    await until("its report", () => updates >= count);
  }
  client.stdin.write("after the flood\n");
  await until("the echo", () => output.includes("after the flood"));
  t.true(mostResident(proxy) - residentBefore < 8e6);
  const exited = once(client, "exit");
  client.kill();
  await exited;
});
