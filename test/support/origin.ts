import { once } from "node:events";
import { createServer } from "node:https";
import { join } from "node:path";
import { writeFileSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { createAuthority, issueCertificate } from "@flowstate/shared/tls/certificate";

/** A TLS server that stands for a provider's API: answers 200 and counts connections and requests. */
export interface Origin extends AsyncDisposable {
  readonly url: string;
  readonly host: string;
  readonly port: number;
  readonly caFile: string;
  readonly ca: string;
  connections(): number;
  requests(): number;
  /** Headers of the last request. */
  lastHeaders(): NodeJS.Dict<string | string[]>;
}

export async function startOrigin(folder: string): Promise<Origin> {
  const authority = createAuthority({ commonName: "Origin authority", days: 30 });
  const { certificate, privateKey } = issueCertificate(authority, {
    commonName: "localhost",
    names: ["localhost", "127.0.0.1"],
    days: 10,
  });
  const caFile = join(folder, "origin-ca.pem");
  writeFileSync(caFile, authority.certificate);
  let connections = 0;
  let requests = 0;
  let lastHeaders: NodeJS.Dict<string | string[]> = {};
  const server = createServer({ cert: certificate, key: privateKey }, (request, response) => {
    requests += 1;
    lastHeaders = request.headers;
    response.end(JSON.stringify({ object: "list", data: [] }));
  });
  server.on("connection", () => (connections += 1));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    url: `https://127.0.0.1:${port}/v1/models`,
    host: "127.0.0.1",
    port,
    caFile,
    ca: authority.certificate,
    connections: () => connections,
    requests: () => requests,
    lastHeaders: () => lastHeaders,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}
