import { recogniseHost } from "@flowstate/shared/hosts";
import type { SniOutcome } from "@flowstate/shared/wire/meter";
import type { ClientHello } from "@flowstate/shared/tls/client-hello";

/**
 * How the server name of a tunnel's first flight stands to the host that was asked for. An Encrypted Client Hello
 * beside another name is no mismatch: the outer name is the provider's public one (RFC 9849). Browsers send a decoy of
 * it with every connection, so it counts only where the names differ.
 */
export function classifySni(host: string, hello: Exclude<ClientHello, { kind: "incomplete" }>): SniOutcome {
  if (hello.kind === "not_tls") return "not_tls";
  const { serverName, encrypted } = hello;
  if (serverName === null) return "none";
  if (serverName === host) return "equal";
  if (isSameProvider(serverName, host)) return "same_provider";
  return encrypted ? "ech" : "mismatch";
}

function isSameProvider(one: string, other: string): boolean {
  if (one.endsWith(`.${other}`) || other.endsWith(`.${one}`)) return true;
  const provider = recogniseHost(one)?.provider;
  return provider !== undefined && provider === recogniseHost(other)?.provider;
}
