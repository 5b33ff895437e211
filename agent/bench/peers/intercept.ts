/** Our intercept as a process of its own: `node intercept.ts PROVIDER_PORT PROVIDER_CA_FILE`. */
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { connect, createServer, type AddressInfo, type Socket } from "node:net";
import { createLogger } from "@flowstate/shared/log";
import { createAuthority } from "@flowstate/shared/tls/certificate";
import { permittedDomains } from "../../src/observe/intercept/ca.ts";
import { startIntercept } from "../../src/observe/intercept/server.ts";

const [, , provider = "", caFile = ""] = process.argv;
const intercept = startIntercept({
  authority: createAuthority({ commonName: "Bench", days: 1, permitted: permittedDomains }),
  upstreamCa: [readFileSync(caFile, "utf8")],
  onSighting: () => undefined,
  judge: () => null,
  log: createLogger("bench", "silent"),
});
const toProvider = (): Socket =>
  connect({ port: Number(provider), host: "127.0.0.1", allowHalfOpen: true, noDelay: true });

const server = createServer({ allowHalfOpen: true, noDelay: true }, (client) => {
  client.on("error", () => undefined);
  client.once("data", (head) => void answer(client, String(head)));
}).listen(0, "127.0.0.1");
await once(server, "listening");
process.stdout.write(`${(server.address() as AddressInfo).port}\n`);

async function answer(client: Socket, head: string): Promise<void> {
  const host = /^CONNECT ([^:\s]+):443 /.exec(head)?.[1] ?? "";
  const target = toProvider();
  target.on("error", () => client.destroy());
  await once(target, "connect");
  client.write("HTTP/1.1 200 OK\r\n\r\n");
  const dial = () => Promise.resolve({ kind: "open" as const, socket: toProvider() });
  intercept.accept({ client, target, to: { host, port: 443, family: 0 }, userAgent: "bench", dial });
}
