import { constants, X509Certificate } from "node:crypto";
import { readFileSync, statSync } from "node:fs";
import { createSecureContext, type SecureContextOptions } from "node:tls";
import type { Clock } from "@flowstate/shared/clock";
import { FlowstateError } from "@flowstate/shared/errors";

export interface CertificateFiles {
  readonly certificateFile: string;
  readonly keyFile: string;
  readonly clientCaFile: string | null;
}

/** Everything that a handshake needs, read and checked. */
export interface ListenerCertificate {
  readonly context: SecureContextOptions;
  readonly expiresAt: number;
}

/** Reads and checks the files. Throws FS_CONFIG_INVALID that names the file. */
export function readCertificate({
  certificateFile,
  keyFile,
  clientCaFile,
}: CertificateFiles): ListenerCertificate {
  const context: SecureContextOptions = {
    ...readPair(certificateFile, keyFile),
    ...(clientCaFile === null ? {} : { ca: readClientAuthority(clientCaFile) }),
    minVersion: "TLSv1.2",
    ecdhCurve: "X25519:P-256:P-384",
    secureOptions: constants.SSL_OP_NO_RENEGOTIATION,
  };
  const { validTo } = new X509Certificate(readFileSync(certificateFile));
  return { context, expiresAt: Date.parse(validTo) };
}

function readPair(certificateFile: string, keyFile: string): { cert: string; key: string } {
  try {
    const pair = { cert: readFileSync(certificateFile, "utf8"), key: readFileSync(keyFile, "utf8") };
    createSecureContext(pair);
    return pair;
  } catch (error) {
    throw new FlowstateError(
      "FS_CONFIG_INVALID",
      `FLOWSTATE_PROXY_CERT ${certificateFile} and FLOWSTATE_PROXY_KEY ${keyFile} are no usable pair: ${(error as Error).message}`,
      { cause: error },
    );
  }
}

/** The authority of client certificates. */
function readClientAuthority(file: string): string {
  try {
    const ca = readFileSync(file, "utf8");
    createSecureContext({ ca });
    return ca;
  } catch (error) {
    throw new FlowstateError(
      "FS_CONFIG_INVALID",
      `FLOWSTATE_PROXY_CLIENT_CA ${file} is no usable authority: ${(error as Error).message}`,
      { cause: error },
    );
  }
}

export interface CertificateWatch {
  readonly files: CertificateFiles;
  readonly clock: Clock;
  readonly onReplaced: (certificate: ListenerCertificate) => void;
  /** The files have changed and are of no use; what was read before goes on. */
  readonly onKept: (reason: string) => void;
}

const checkMs = 1000;

/**
 * Reads the files again when they have been replaced, until `signal` aborts. They are looked at every second rather
 * than watched, because renewals replace links and whole folders; and once they have stood still for a second, so that
 * a pair is never read half.
 */
export async function watchCertificate(
  { files, clock, onReplaced, onKept }: CertificateWatch,
  signal: AbortSignal,
): Promise<void> {
  let taken = stateOf(files);
  let last = taken;
  while (!signal.aborted) {
    await clock.sleep(checkMs, signal);
    const state = stateOf(files);
    const settled = state === last;
    last = state;
    if (!settled || state === taken) continue;
    taken = state;
    try {
      const certificate = readCertificate(files);
      if (certificate.expiresAt > clock.now()) onReplaced(certificate);
      else onKept(`${files.certificateFile} expired at ${new Date(certificate.expiresAt).toISOString()}`);
    } catch (error) {
      onKept((error as Error).message);
    }
  }
}

function stateOf({ certificateFile, keyFile, clientCaFile }: CertificateFiles): string {
  return [certificateFile, keyFile, clientCaFile]
    .map((file) => {
      const stat = file === null ? undefined : statSync(file, { throwIfNoEntry: false });
      return stat === undefined ? "absent" : `${stat.ino} ${stat.size} ${stat.mtimeMs}`;
    })
    .join("\n");
}
