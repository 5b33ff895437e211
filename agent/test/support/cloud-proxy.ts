import { once } from "node:events";
import type { IncomingMessage } from "node:http";
import { createServer } from "node:https";
import { connect, type AddressInfo, type Socket } from "node:net";
import { certificateFor } from "./tls.ts";

/** A TLS proxy that answers CONNECT as the test says, and otherwise joins the client with whatever was asked for. */
export interface FakeCloudProxy extends AsyncDisposable {
  readonly url: URL;
  /** Heads of the requests so far: method, target, fields. */
  readonly heads: readonly IncomingMessage[];
}

export interface FakeCloudProxyOptions {
  /** Raw answer to CONNECT in place of a tunnel. */
  readonly refuse?: string;
  /** Awaited before the 200 of a tunnel; gets the client's socket. */
  readonly before200?: (client: Socket) => Promise<void>;
  /** Where every tunnel leads, whatever it asks for. */
  readonly leadTo?: number;
  /** Its name, `localhost` where none is given. */
  readonly name?: string;
}

export async function startCloudProxy(options: FakeCloudProxyOptions = {}): Promise<FakeCloudProxy> {
  const { name = "localhost" } = options;
  const heads: IncomingMessage[] = [];
  const sockets = new Set<Socket>();
  const server = createServer({ ...certificateFor(name), allowHalfOpen: true } as object);
  const keep = (socket: Socket): void => {
    sockets.add(socket);
    socket.on("error", () => undefined);
    socket.once("close", () => sockets.delete(socket));
  };
  server.on("connection", keep);
  const tunnel = async (request: IncomingMessage, client: Socket, head: Buffer): Promise<void> => {
    await options.before200?.(client);
    const [, port = ""] = /:(\d+)$/.exec(request.url ?? "") ?? [];
    const target = connect({
      port: options.leadTo ?? Number(port),
      host: "127.0.0.1",
      allowHalfOpen: true,
      noDelay: true,
    });
    keep(target);
    await once(target, "connect");
    client.write("HTTP/1.1 200 OK\r\n\r\n");
    target.write(head);
    client.pipe(target);
    target.pipe(client);
    client.once("close", () => target.destroy());
    target.once("close", () => {
      if (!target.readableEnded) client.destroy();
    });
  };
  server.on("connect", (request: IncomingMessage, client: Socket, head: Buffer) => {
    heads.push(request);
    if (options.refuse === undefined) void tunnel(request, client, head);
    else client.end(options.refuse);
  });
  server.on("request", (request, response) => {
    heads.push(request);
    request.pipe(response);
  });
  server.on("upgrade", (request: IncomingMessage, client: Socket) => {
    heads.push(request);
    client.write("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n");
    client.pipe(client);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    url: new URL(`https://${name}:${port}`),
    heads,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
}
