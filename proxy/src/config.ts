import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import type { BlockList } from "node:net";
import { loadConfig } from "@flowstate/shared/config/load";
import { option } from "@flowstate/shared/config/option";
import { FlowstateError } from "@flowstate/shared/errors";
import { parseKey } from "@flowstate/shared/keys";
import type { Parsed } from "@flowstate/shared/parsed";
import { Secret } from "@flowstate/shared/secret";
import type { Limits } from "@flowstate/shared/wire/policy";
import { parseUpstream, parseUpstreamRules, type Upstream, type UpstreamRule } from "./dial/upstream.ts";

/** Every setting of the proxy; docs/configuration.md is written from it. */
export const proxyOptions = {
  dataDir: option.text({
    env: "FLOWSTATE_DATA_DIR",
    fallback: ".flowstate",
    describe: "Holds the outbox and the last key snapshot under `proxy/`.",
  }),
  host: option.address({
    env: "FLOWSTATE_PROXY_HOST",
    fallback: "127.0.0.1",
    describe: "Where the TLS listener binds.",
  }),
  port: option.port({ env: "FLOWSTATE_PROXY_PORT", fallback: "7443", describe: "Port of the TLS listener." }),
  adminPort: option.port({
    env: "FLOWSTATE_PROXY_ADMIN_PORT",
    fallback: "7401",
    describe: "Loopback port of `/metrics`, `/healthz`, `/readyz` and `/tunnels`.",
  }),
  certificateFile: option.text({
    env: "FLOWSTATE_PROXY_CERT",
    describe:
      "PEM file of the certificate and its chain; `tls/proxy.pem` of the data folder by default. Read again when replaced.",
  }),
  keyFile: option.text({
    env: "FLOWSTATE_PROXY_KEY",
    describe: "PEM file of its private key; `tls/proxy-key.pem` of the data folder by default.",
  }),
  clientCaFile: option.text({
    env: "FLOWSTATE_PROXY_CLIENT_CA",
    describe:
      "PEM file of an authority whose client certificates identify people by the e-mail in them (managed Chrome). Clients without one use the password as ever.",
  }),
  balancers: option.cidrs({
    env: "FLOWSTATE_PROXY_TRUSTED_BALANCERS",
    describe:
      "Address ranges of TCP balancers that announce their clients by the PROXY protocol (v1 or v2). Where set, connections from anywhere else are refused.",
  }),
  allow: option.cidrs({
    env: "FLOWSTATE_PROXY_ALLOW_CIDRS",
    fallback: "",
    describe: "Private address ranges that are allowed as targets. For tests and closed networks.",
  }),
  ports: option.ports({
    env: "FLOWSTATE_PROXY_PORTS",
    fallback: "80,443",
    describe: "Target ports that are allowed.",
  }),
  dnsServers: option.text({
    env: "FLOWSTATE_PROXY_DNS",
    describe:
      "Name servers to ask, separated by commas, each `address` or `address:port`; the system's by default.",
  }),
  upstream: option.secret({
    env: "FLOWSTATE_UPSTREAM_PROXY",
    describe:
      "A proxy that tunnels go through: `http://`, `https://` or `socks5://host:port`, with user and password where it asks for them.",
  }),
  upstreamRules: option.secret({
    env: "FLOWSTATE_UPSTREAM_RULES",
    describe:
      "Exceptions by target, separated by commas: `host=upstream`, `*.suffix=upstream` or `…=direct`; the first that matches decides.",
  }),
  controlPlane: option.httpUrl({
    env: "FLOWSTATE_CONTROL_PLANE",
    fallback: "http://127.0.0.1:7400",
    describe: "The control plane: keys and policy come from it, meter rows go to it.",
  }),
  token: option.secret({ env: "FLOWSTATE_PROXY_TOKEN", describe: "Enrolment token (`fsp_…`)." }),
  tokenFile: option.text({
    env: "FLOWSTATE_PROXY_TOKEN_FILE",
    describe: "File that holds the enrolment token; `proxy/enrolment-token` of the data folder by default.",
  }),
  dialMs: option.milliseconds({
    env: "FLOWSTATE_PROXY_DIAL_MS",
    fallback: "10000",
    describe: "How long connecting to a target may take.",
  }),
  headMs: option.milliseconds({
    env: "FLOWSTATE_PROXY_HEAD_MS",
    fallback: "10000",
    describe: "How long the TLS handshake, and after it a request head, may take.",
  }),
  mostTunnels: option.count({
    env: "FLOWSTATE_PROXY_MAX_TUNNELS",
    describe: "How many tunnels and requests the proxy carries at once; unlimited by default.",
  }),
  mostNewPerSecond: option.count({
    env: "FLOWSTATE_PROXY_MAX_NEW_PER_SECOND",
    describe: "How many tunnels and requests it begins in a second; unlimited by default.",
  }),
  mostBytesPerSecond: option.count({
    env: "FLOWSTATE_PROXY_MAX_BYTES_PER_SECOND",
    describe: "How many bytes a second its tunnels carry in all, both ways together; unlimited by default.",
  }),
  idleMs: option.milliseconds({
    env: "FLOWSTATE_PROXY_IDLE_MS",
    fallback: "600000",
    describe: "A tunnel without a byte for so long is closed.",
  }),
  halfCloseMs: option.milliseconds({
    env: "FLOWSTATE_PROXY_HALF_CLOSE_MS",
    fallback: "60000",
    describe: "A tunnel of which one side has ended is closed after so long without a byte.",
  }),
  lifetimeMs: option.milliseconds({
    env: "FLOWSTATE_PROXY_LIFETIME_MS",
    fallback: "86400000",
    describe: "A tunnel is closed at this age; 60 seconds at the least.",
  }),
  drainMs: option.milliseconds({
    env: "FLOWSTATE_PROXY_DRAIN_MS",
    fallback: "10000",
    describe: "How long open tunnels may go on after a stop signal.",
  }),
  graceMs: option.milliseconds({
    env: "FLOWSTATE_PROXY_GRACE_MS",
    fallback: "604800000",
    describe:
      "How long the proxy goes on with the last keys and policy while the control plane cannot be reached; after that it answers 503.",
  }),
  flushMs: option.milliseconds({
    env: "FLOWSTATE_PROXY_FLUSH_MS",
    fallback: "2000",
    describe: "How often counters become meter rows on disk.",
  }),
  logLevel: option.logLevel({
    env: "FLOWSTATE_LOG_LEVEL",
    fallback: "info",
    describe: "How much is logged to standard error.",
  }),
};

export interface Config {
  readonly folder: string;
  readonly host: string;
  readonly port: number;
  readonly adminPort: number;
  readonly certificateFile: string;
  readonly keyFile: string;
  readonly clientCaFile: string | null;
  /** Null: clients connect by themselves. */
  readonly balancers: BlockList | null;
  readonly allow: BlockList;
  readonly ports: ReadonlySet<number> | "any";
  readonly dnsServers: readonly string[];
  /** Null: targets are dialled directly. */
  readonly upstream: Upstream | null;
  readonly upstreamRules: readonly UpstreamRule[];
  readonly controlPlane: URL;
  readonly token: Secret;
  readonly timing: Timing;
  /** For the proxy as a whole; those of subjects and organisations come with the policy. */
  readonly limits: Limits;
  readonly logLevel: string;
}

export interface Timing {
  readonly dialMs: number;
  readonly headMs: number;
  readonly idleMs: number;
  readonly halfCloseMs: number;
  readonly lifetimeMs: number;
  readonly drainMs: number;
  readonly flushMs: number;
  readonly graceMs: number;
}

const leastLifetimeMs = 60_000;

/** Reads and checks all settings. Throws FS_CONFIG_INVALID that names every wrong one. */
export function readConfig(env: NodeJS.ProcessEnv): Config {
  const values = loadConfig(proxyOptions, env);
  const dataDir = resolve(values.dataDir);
  const { dialMs, headMs, idleMs, halfCloseMs, lifetimeMs, drainMs, flushMs, graceMs } = values;
  return {
    folder: join(dataDir, "proxy"),
    host: values.host,
    port: values.port,
    adminPort: values.adminPort,
    certificateFile: resolve(values.certificateFile ?? join(dataDir, "tls/proxy.pem")),
    keyFile: resolve(values.keyFile ?? join(dataDir, "tls/proxy-key.pem")),
    clientCaFile: values.clientCaFile === null ? null : resolve(values.clientCaFile),
    balancers: values.balancers,
    allow: values.allow,
    ports: values.ports,
    dnsServers: (values.dnsServers ?? "")
      .split(",")
      .map((server) => server.trim())
      .filter((server) => server !== ""),
    upstream: readSecret("FLOWSTATE_UPSTREAM_PROXY", values.upstream, parseUpstream),
    upstreamRules: readSecret("FLOWSTATE_UPSTREAM_RULES", values.upstreamRules, parseUpstreamRules) ?? [],
    controlPlane: values.controlPlane,
    token: values.token ?? readToken(resolve(values.tokenFile ?? join(dataDir, "proxy/enrolment-token"))),
    timing: {
      dialMs,
      headMs,
      idleMs,
      halfCloseMs,
      lifetimeMs: Math.max(lifetimeMs, leastLifetimeMs),
      drainMs,
      flushMs,
      graceMs,
    },
    limits: {
      tunnels: values.mostTunnels,
      newTunnelsPerSecond: values.mostNewPerSecond,
      bytesPerSecond: values.mostBytesPerSecond,
    },
    logLevel: values.logLevel,
  };
}

/** Parses a setting whose text may hold a password, and names it without repeating it. */
function readSecret<T>(name: string, secret: Secret | null, parse: (text: string) => Parsed<T>): T | null {
  if (secret === null) return null;
  const parsed = parse(secret.reveal());
  if (parsed.ok) return parsed.value;
  throw new FlowstateError("FS_CONFIG_INVALID", `${name}: ${parsed.detail}`);
}

function readToken(file: string): Secret {
  let text: string;
  try {
    text = readFileSync(file, "utf8").trim();
  } catch (error) {
    throw new FlowstateError(
      "FS_CONFIG_INVALID",
      `there is no enrolment token: set FLOWSTATE_PROXY_TOKEN, or write one that \`flowstate-control proxy enrol\` prints to ${file}`,
      { cause: error },
    );
  }
  const parsed = parseKey(text);
  if (!parsed.ok || parsed.value.kind !== "enrolment") {
    throw new FlowstateError("FS_CONFIG_INVALID", `${file} does not hold an enrolment token (fsp_…)`);
  }
  return new Secret(text);
}
