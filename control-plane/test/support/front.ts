import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";

/** What stands before a control plane and gives it a name: a host name is what passkeys belong to. */
export interface Front extends AsyncDisposable {
  readonly origin: string;
  /** Where connections go from now on. */
  lead(address: string): void;
}

export async function startFront(): Promise<Front> {
  let target: URL | null = null;
  const open = new Set<Socket>();
  const server = createServer((from) => {
    if (target === null) return void from.destroy();
    const to = connect({ host: target.hostname, port: Number(target.port) });
    for (const [each, other] of [
      [from, to],
      [to, from],
    ] as const) {
      open.add(each);
      each.on("error", () => other.destroy());
      each.on("close", () => open.delete(each));
      each.pipe(other);
    }
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the front has no port");
  return {
    origin: `http://localhost:${address.port}`,
    lead: (to) => (target = new URL(to)),
    async [Symbol.asyncDispose]() {
      server.close();
      for (const socket of open) socket.destroy();
      await once(server, "close");
    },
  };
}
