import { once } from "node:events";
import { createServer, request as requestPlain, type IncomingMessage } from "node:http";
import { connect, type AddressInfo, type Socket } from "node:net";

/** A network's own HTTP proxy. Names under `.test` are this machine's. */
export interface FakeUpstream extends AsyncDisposable {
  /** `http://…`, with the user and the password that it asks for, unless it is open. */
  readonly address: string;
  /** What it was asked for, as `METHOD target`. */
  readonly asked: readonly string[];
}

const credential = `Basic ${Buffer.from("ada:p@ss").toString("base64")}`;

export async function startUpstream({ open = false } = {}): Promise<FakeUpstream> {
  const asked: string[] = [];
  const sockets = new Set<Socket>();
  const keep = (socket: Socket): void => {
    sockets.add(socket);
    socket.on("error", () => undefined);
    socket.once("close", () => sockets.delete(socket));
  };
  const admits = ({ method = "", url = "", headers }: IncomingMessage): boolean => {
    asked.push(`${method} ${url}`);
    return open || headers["proxy-authorization"] === credential;
  };
  const server = createServer((request, response) => {
    if (!admits(request)) return void response.writeHead(407).end();
    const { hostname, port, pathname, search } = new URL(request.url ?? "");
    const host = hostname.endsWith(".test") ? "127.0.0.1" : hostname;
    const { method, headers } = request;
    const out = requestPlain({ host, port, path: pathname + search, method, headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
    });
    out.on("error", () => response.destroy());
    request.pipe(out);
  });
  server.on("connection", keep);
  server.on("connect", (request: IncomingMessage, client: Socket, head: Buffer) => {
    if (!admits(request)) return void client.end("HTTP/1.1 407 No\r\nContent-Length: 0\r\n\r\n");
    const [host = "", port = ""] = (request.url ?? "").split(":");
    const target = connect(Number(port), host.endsWith(".test") ? "127.0.0.1" : host);
    keep(target);
    target.once("connect", () => {
      client.write("HTTP/1.1 200 OK\r\n\r\n");
      target.write(head);
      client.pipe(target).pipe(client);
    });
    target.once("close", () => client.destroy());
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    address: `http://${open ? "" : "ada:p%40ss@"}127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
}
