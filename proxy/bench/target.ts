/**
 * `node target.ts CERT KEY`: what the tunnels lead to. Prints the ports of a TLS web server (`/` small, `/bytes/N`
 * large) and of a TCP echo.
 */
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer } from "node:https";
import { createServer as createTcpServer, type AddressInfo } from "node:net";

const [certificateFile = "", keyFile = ""] = process.argv.slice(2);
const chunk = Buffer.alloc(1 << 16, 7);
const web = createServer(
  { cert: readFileSync(certificateFile), key: readFileSync(keyFile) },
  (request, response) => {
    let left = Number(/^\/bytes\/(\d+)$/.exec(request.url ?? "")?.[1] ?? 0);
    if (left === 0) return response.end("ok");
    response.setHeader("content-length", left);
    const more = (): void => {
      while (left > 0) {
        const size = Math.min(left, chunk.length);
        left -= size;
        if (!response.write(size === chunk.length ? chunk : chunk.subarray(0, size))) {
          response.once("drain", more);
          return;
        }
      }
      response.end();
    };
    more();
    return response;
  },
);
const echo = createTcpServer({ noDelay: true }, (socket) => {
  socket.on("error", () => socket.destroy());
  socket.pipe(socket);
});
web.listen(0, "127.0.0.1");
echo.listen(0, "127.0.0.1");
await Promise.all([once(web, "listening"), once(echo, "listening")]);
const portOf = (server: { address(): unknown }): number => (server.address() as AddressInfo).port;
process.stdout.write(`${JSON.stringify({ web: portOf(web), echo: portOf(echo) })}\n`);
