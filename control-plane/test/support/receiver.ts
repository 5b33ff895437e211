import { once } from "node:events";
import { createServer } from "node:https";
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { getCACertificates, setDefaultCACertificates } from "node:tls";
import { createAuthority, issueCertificate } from "@flowstate/shared/tls/certificate";

/** What a receiver of webhooks got. */
export interface Received {
  readonly headers: IncomingHttpHeaders;
  readonly path: string;
  readonly body: string;
}

export interface Receiver extends AsyncDisposable {
  readonly url: string;
  readonly host: string;
  readonly received: readonly Received[];
  /** Answers to come, in order; after them 204. */
  readonly answers: { readonly status: number; readonly headers?: Readonly<Record<string, string>> }[];
}

const authority = createAuthority({ commonName: "a throw-away authority", days: 2 });
// The test's own process trusts it from now on, as NODE_EXTRA_CA_CERTS does for a program.
setDefaultCACertificates([...getCACertificates("default"), authority.certificate]);

/** A server with a certificate that this process trusts, for `names`; it answers 204 until told otherwise. */
export async function startReceiver(names: readonly string[] = ["127.0.0.1"]): Promise<Receiver> {
  const { certificate, privateKey } = issueCertificate(authority, {
    commonName: "receiver",
    names,
    days: 2,
  });
  const received: Received[] = [];
  const answers: Receiver["answers"] = [];
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const body = await text(request);
    received.push({ headers: request.headers, path: request.url ?? "", body });
    const { status, headers = {} } = answers.shift() ?? { status: 204 };
    response.writeHead(status, headers).end();
  };
  const server = createServer(
    { cert: certificate, key: privateKey },
    (request, response) => void answer(request, response),
  );
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url: `https://${host}/hooks/planted-secret-path`,
    host,
    received,
    answers,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
