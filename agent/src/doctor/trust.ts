import { X509Certificate } from "node:crypto";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { connect as connectTcp } from "node:net";
import { join } from "node:path";
import { connect, getCACertificates, type TLSSocket } from "node:tls";
import { reasonOf } from "@flowstate/shared/errors";
import { finding, type Finding } from "@flowstate/shared/findings";
import { dayMs } from "@flowstate/shared/time";
import type { DaemonConfig } from "../daemon-config.ts";
import type { DaemonStatus } from "../local/status.ts";

const soonMs = 30 * dayMs;
const answerMs = 10_000;
const provenHost = "api.anthropic.com";

/** The device's authority, who trusts it, and whether a call to an AI host really shows its certificate. */
export async function findTrust(
  { dataFolder }: Pick<DaemonConfig, "dataFolder">,
  relay: string | null,
  distrust: DaemonStatus["distrust"],
  systemCertificates: readonly string[] = getCACertificates("system"),
): Promise<readonly Finding[]> {
  const file = join(dataFolder, "tls", "ca.pem");
  let authority: X509Certificate;
  try {
    authority = new X509Certificate(readFileSync(file));
  } catch {
    return [finding.fail(`authority: none in ${file}; the agent makes it when it starts`)];
  }
  return [
    findExpiry(authority),
    isAmong(authority, systemCertificates)
      ? finding.ok("authority: the system trusts it")
      : finding.warn(`authority: the system does not trust ${file}; \`flowstate install\` makes it`),
    ...(relay === null ? [] : [await findHandshake(relay, authority)]),
    ...distrust.map(({ host, client }) =>
      finding.warn(
        `intercept: ${client || "a client"} does not trust the authority; its calls to ${host} are not read`,
      ),
    ),
  ];
}

function findExpiry(authority: X509Certificate): Finding {
  const left = Date.parse(authority.validTo) - Date.now();
  const text = `authority: ${authority.subject.replace(/^CN=/, "")} until ${new Date(authority.validTo).toISOString().slice(0, 10)}`;
  if (left <= 0) return finding.fail(`${text}, which has passed; restart the agent and install it again`);
  return left < soonMs ? finding.warn(`${text}; install the agent again before that`) : finding.ok(text);
}

function isAmong(authority: X509Certificate, certificates: readonly string[]): boolean {
  return certificates.some((pem) => new X509Certificate(pem).fingerprint256 === authority.fingerprint256);
}

/** A TLS handshake with an AI host through the relay, and nothing after it. */
async function findHandshake(relay: string, authority: X509Certificate): Promise<Finding> {
  const signal = AbortSignal.timeout(answerMs);
  const { hostname, port } = new URL(relay);
  const socket = connectTcp({ host: hostname, port: Number(port), signal });
  let tls: TLSSocket | null = null;
  try {
    socket.write(
      `CONNECT ${provenHost}:443 HTTP/1.1\r\nHost: ${provenHost}:443\r\nUser-Agent: flowstate-doctor\r\n\r\n`,
    );
    const [head] = (await once(socket, "data", { signal })) as [Buffer];
    const [, status = ""] = /^HTTP\/1\.1 (\d{3})/.exec(head.toString("latin1")) ?? [];
    if (status !== "200")
      return finding.warn(`intercept: no tunnel to ${provenHost} (${status || "no answer"})`);
    tls = connect({ socket, servername: provenHost, ca: [authority.toString()] });
    await once(tls, "secureConnect", { signal });
    // The intercept takes a client that goes without a word for one that refuses its certificate.
    tls.write(`HEAD / HTTP/1.1\r\nHost: ${provenHost}\r\nConnection: close\r\n\r\n`);
    await once(tls, "data", { signal });
    return finding.ok(`intercept: calls to ${provenHost} are read`);
  } catch (error) {
    return finding.warn(`intercept: calls to ${provenHost} pass unread (${reasonOf(error)})`);
  } finally {
    tls?.destroy();
    socket.destroy();
  }
}
