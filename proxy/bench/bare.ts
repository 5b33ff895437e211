/** `node bare.ts PORT CERT KEY`: the least a CONNECT proxy over TLS can be in Node. */
import { readFileSync } from "node:fs";
import { createServer } from "node:https";
import { connect } from "node:net";

const [port = "", certificateFile = "", keyFile = ""] = process.argv.slice(2);
const server = createServer({ cert: readFileSync(certificateFile), key: readFileSync(keyFile) });
server.on("connect", (request, client) => {
  const [host = "", targetPort = ""] = (request.url ?? "").split(":");
  const target = connect({ host, port: Number(targetPort), noDelay: true });
  target.on("error", () => client.destroy());
  client.on("error", () => target.destroy());
  target.once("connect", () => {
    client.write("HTTP/1.1 200 Connection Established\r\n\r\n");
    client.pipe(target);
    target.pipe(client);
  });
});
server.listen(Number(port), "127.0.0.1");
