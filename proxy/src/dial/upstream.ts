import { once } from "node:events";
import { setImmediate } from "node:timers/promises";
import { connect as connectTcp, isIP, type BlockList, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import type { BasicCredential } from "@flowstate/shared/net/basic-auth";
import { parseDestinationRule } from "@flowstate/shared/destination";
import { ok, refuse, type Parsed } from "@flowstate/shared/parsed";
import type { DestinationRule } from "@flowstate/shared/wire/policy";
import { vetAddress } from "../decide/address.ts";
import { clientLeft, type Refusal } from "../reply.ts";
import type { Dial, Dialled } from "./connect.ts";
import { askByConnect } from "./http-connect.ts";
import { askBySocks5 } from "./socks5.ts";

/** A proxy that tunnels go through, as configured: trusted, so its own address is not vetted. */
export interface Upstream {
  readonly kind: "http" | "https" | "socks5";
  readonly host: string;
  readonly port: number;
  /** Null where it asks for none. */
  readonly login: BasicCredential | null;
}

/** Where targets that a rule matches go. Null: straight there. */
export interface UpstreamRule {
  readonly rule: DestinationRule;
  readonly upstream: Upstream | null;
}

export interface UpstreamOptions {
  readonly upstream: Upstream;
  /** Ranges that a literal target may lie in although they are private; names are the upstream's to resolve. */
  readonly allow: BlockList;
  readonly timeoutMs: number;
}

const kinds: Readonly<Record<string, readonly [kind: Upstream["kind"], port: number]>> = {
  "http:": ["http", 80],
  "https:": ["https", 443],
  "socks5:": ["socks5", 1080],
  "socks5h:": ["socks5", 1080],
};

/** Reads `http://`, `https://` or `socks5://`, host, port, and a user and password where it asks for them. */
export function parseUpstream(text: string): Parsed<Upstream, "not_a_url" | "bad_scheme" | "bad_login"> {
  if (!URL.canParse(text)) return refuse("not_a_url", "it must be http://, https:// or socks5://host:port");
  const url = new URL(text);
  const known = kinds[url.protocol];
  if (known === undefined) return refuse("bad_scheme", "its scheme must be http, https or socks5");
  if (url.hostname === "" || !/^\/?$/.test(url.pathname) || url.search + url.hash !== "")
    return refuse("not_a_url", "it must be http://, https:// or socks5://host:port and nothing behind that");
  const [kind, port] = known;
  const user = decoded(url.username);
  const password = decoded(url.password);
  if (user === null || password === null || user.includes(":"))
    return refuse("bad_login", "the user name of the upstream proxy must not hold a colon");
  if (kind === "socks5" && Math.max(Buffer.byteLength(user), Buffer.byteLength(password)) > 255)
    return refuse("bad_login", "a SOCKS5 user name and password have at most 255 bytes");
  return ok({
    kind,
    host: url.hostname.replace(/^\[(.*)\]$/, "$1"),
    port: url.port === "" ? port : Number(url.port),
    login: user === "" ? null : { user, password },
  });
}

/** Reads rules separated by commas, each `host=upstream` or `host=direct`; the first that matches decides. */
export function parseUpstreamRules(text: string): Parsed<readonly UpstreamRule[]> {
  const rules: UpstreamRule[] = [];
  for (const entry of text.split(",").map((one) => one.trim())) {
    if (entry === "") continue;
    const [, pattern = "", value = ""] = /^([^=]*)=(.*)$/s.exec(entry) ?? [];
    const rule = parseDestinationRule(pattern);
    if (!rule.ok) return rule;
    const upstream = value === "direct" ? ok(null) : parseUpstream(value);
    if (!upstream.ok) return refuse(upstream.reason, `${pattern}: ${upstream.detail}, or \`direct\``);
    rules.push({ rule: rule.value, upstream: upstream.value });
  }
  return ok(rules);
}

function decoded(text: string): string | null {
  try {
    return decodeURIComponent(text);
  } catch {
    return null;
  }
}

/** Reaches targets through another proxy. What that proxy says instead of yes becomes a 502. Never rejects. */
export function createUpstreamDial({ upstream, allow, timeoutMs }: UpstreamOptions): Dial {
  const where = `${upstream.host}:${upstream.port}`;
  const parameters = { "next-hop": where };
  return async (to, signal) => {
    const vetting = to.family === 0 ? null : vetAddress(to.host, allow);
    if (vetting?.kind === "prohibited") {
      return refused("destination_ip_prohibited", `${to.host} is no public address (${vetting.why})`);
    }
    const timeout = AbortSignal.timeout(timeoutMs);
    const stop = signal === undefined ? timeout : AbortSignal.any([timeout, signal]);
    const socket = open(upstream);
    socket.on("error", () => undefined);
    try {
      await once(socket, upstream.kind === "https" ? "secureConnect" : "connect", { signal: stop });
      const ask = upstream.kind === "socks5" ? askBySocks5 : askByConnect;
      const failure = await ask(socket, to, upstream.login, stop);
      if (failure === null) {
        // A stream that was read by hand can flow again only once it has noticed that nobody does so any more.
        await setImmediate();
        return { kind: "open", socket, reads: null };
      }
      socket.destroy();
      return refused(failure.error, failure.text, { ...parameters, ...failure.parameters });
    } catch {
      socket.destroy();
      if (signal?.aborted === true) return { kind: "refused", refusal: clientLeft };
      const proxy = `the upstream proxy ${where}`;
      return timeout.aborted
        ? refused("connection_timeout", `${proxy} did not answer in ${timeoutMs} ms`, parameters, 504)
        : refused("destination_unavailable", `${proxy} cannot be reached`, parameters);
    }
  };
}

function open({ kind, host, port }: Upstream): Socket {
  const to = { host, port, allowHalfOpen: true };
  if (kind !== "https") return connectTcp({ ...to, noDelay: true, keepAlive: true });
  const socket = connectTls({
    ...to,
    ...(isIP(host) === 0 ? { servername: host } : {}),
    ALPNProtocols: ["http/1.1"],
  });
  return socket.setNoDelay(true);
}

function refused(
  error: Refusal["error"],
  text: string,
  parameters: Refusal["parameters"] = {},
  status = 502,
): Dialled {
  return { kind: "refused", refusal: { status, error, text, parameters } };
}
