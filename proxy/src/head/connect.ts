import { parseHostPort, type HostPort } from "@flowstate/shared/net/host-port";
import { ok, refuse, type Parsed } from "@flowstate/shared/parsed";
import { fieldValues } from "./fields.ts";

export type ConnectRefusal = "bad_target" | "target_too_long" | "duplicate_field" | "body";

export interface ConnectRequest {
  readonly to: HostPort;
  /** Real clients differ from RFC 9112 in ways that do no harm; they are counted, not refused. */
  readonly quirks: readonly ("http_1_0" | "no_host" | "host_mismatch")[];
}

/** Fields that must not stand twice: which one counts would be anybody's guess. */
const single = ["host", "proxy-authorization", "content-length"];

/**
 * Checks a CONNECT head (RFC 9110 9.3.6): strict authority form, no body. The target wins over `Host`, which some
 * clients leave out (Python), send without a port (undici, aiohttp), or set to something else. Never throws.
 */
export function parseConnect(
  target: string,
  httpVersion: string,
  rawHeaders: readonly string[],
): Parsed<ConnectRequest, ConnectRefusal> {
  const to = parseHostPort(target);
  if (!to.ok) return refuse(to.reason === "too_long" ? "target_too_long" : "bad_target", to.detail);
  const twice = single.find((name) => fieldValues(rawHeaders, name).length > 1);
  if (twice !== undefined) return refuse("duplicate_field", `${twice} must not stand twice`);
  const [length] = fieldValues(rawHeaders, "content-length");
  if (
    fieldValues(rawHeaders, "transfer-encoding").length > 0 ||
    (length !== undefined && length.trim() !== "0")
  ) {
    return refuse("body", "CONNECT has no body");
  }
  const [host] = fieldValues(rawHeaders, "host");
  const quirks = [
    ...(httpVersion === "1.0" ? (["http_1_0"] as const) : []),
    ...(host === undefined && httpVersion.startsWith("1.") ? (["no_host"] as const) : []),
    ...(host !== undefined && !namesSameHost(host, to.value) ? (["host_mismatch"] as const) : []),
  ];
  return ok({ to: to.value, quirks });
}

function namesSameHost(field: string, { host }: HostPort): boolean {
  const name = field
    .trim()
    .toLowerCase()
    .replace(/:\d+$/, "")
    .replace(/^\[(.*)\]$/, "$1")
    .replace(/\.$/, "");
  return name === host;
}
