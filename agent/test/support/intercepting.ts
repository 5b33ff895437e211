import { once } from "node:events";
import { connect } from "node:net";
import { connect as connectTls, type TLSSocket } from "node:tls";
import { createLogger } from "@flowstate/shared/log";
import { Secret } from "@flowstate/shared/secret";
import { createAuthority } from "@flowstate/shared/tls/certificate";
import { permittedDomains } from "../../src/observe/intercept/ca.ts";
import { startIntercept, type Intercept } from "../../src/observe/intercept/server.ts";
import type { FinishedCall } from "../../src/observe/intercept/finished-call.ts";
import type { Decide } from "../../src/observe/intercept/watch.ts";
import type { FormatCount } from "../../src/ledger/formats.ts";
import type { Sighting } from "../../src/normalise/sighting.ts";
import { startRelay, type Relay } from "../../src/relay/server.ts";
import { startCloudProxy } from "./cloud-proxy.ts";
import { authority } from "./tls.ts";

/** This device's authority in these tests. */
export const deviceAuthority = createAuthority({
  commonName: "Device",
  days: 10,
  permitted: permittedDomains,
});

/** A relay with intercept before a cloud proxy that leads every tunnel to one local server. */
export interface Intercepting extends AsyncDisposable {
  readonly relay: Relay;
  readonly intercept: Intercept;
  readonly sightings: readonly Sighting[];
  /** How answers were understood, one each. */
  readonly formats: readonly FormatCount[];
  /** The same calls with what was said in them. */
  readonly heard: readonly FinishedCall[];
  /** A TLS connection through the relay, established. */
  dial(
    host: string,
    options?: { readonly protocols?: readonly string[]; readonly ca?: readonly string[] },
  ): Promise<TLSSocket>;
}

/** A TLS connection to a host through the relay on a port, established. */
export async function dialThrough(
  port: number,
  host: string,
  { protocols, ca }: { readonly protocols: readonly string[]; readonly ca: readonly string[] },
): Promise<TLSSocket> {
  const socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true, noDelay: true });
  socket.on("error", () => undefined);
  socket.write(`CONNECT ${host}:443 HTTP/1.1\r\nHost: ${host}:443\r\nUser-Agent: test/1\r\n\r\n`);
  const [head] = (await once(socket, "data")) as [Buffer];
  if (!head.toString().startsWith("HTTP/1.1 200")) throw new Error(head.toString());
  const tls = connectTls({ socket, servername: host, ca: [...ca], ALPNProtocols: [...protocols] });
  tls.on("error", () => undefined);
  await once(tls, "secureConnect");
  return tls;
}

export async function startIntercepting(leadTo: number, decide: Decide | null = null): Promise<Intercepting> {
  const sightings: Sighting[] = [];
  const formats: FormatCount[] = [];
  const heard: FinishedCall[] = [];
  const log = createLogger("test", "silent");
  const proxy = await startCloudProxy({ leadTo });
  const intercept = startIntercept({
    authority: deviceAuthority,
    upstreamCa: [authority.certificate],
    onSighting: (sighting) => void sightings.push(sighting),
    onFormat: (count) => void formats.push(count),
    judge: () => decide,
    keepWords: () => (call) => void heard.push(call),
    log,
  });
  const relay = await startRelay({
    port: 0,
    cloudProxy: { url: proxy.url, credential: new Secret("Basic eA=="), ca: [authority.certificate] },
    whenDown: "fail",
    intercept,
    log,
  });
  return {
    relay,
    intercept,
    sightings,
    formats,
    heard,
    dial: (host, { protocols = ["http/1.1"], ca = [deviceAuthority.certificate] } = {}) =>
      dialThrough(relay.port, host, { protocols, ca }),
    async [Symbol.asyncDispose]() {
      await relay[Symbol.asyncDispose]();
      await proxy[Symbol.asyncDispose]();
    },
  };
}
