import { isIP } from "node:net";
import { join, resolve } from "node:path";
import { option } from "@flowstate/shared/config/option";
import { loadConfig } from "@flowstate/shared/config/load";
import { FlowstateError } from "@flowstate/shared/errors";
import type { BlockList } from "node:net";
import type { MasterKeySource } from "./secrets/master-key.ts";
import type { Secret } from "@flowstate/shared/secret";
import type { StoreAddress } from "./store/open.ts";

/** Every setting of the control plane. */
export const controlPlaneOptions = {
  dataDir: option.text({
    env: "FLOWSTATE_DATA_DIR",
    fallback: ".flowstate",
    describe: "The folder of the database and of the master key.",
  }),
  releasesDir: option.text({
    env: "FLOWSTATE_RELEASES_DIR",
    describe:
      "The folder of the agent's releases; unset, it is `releases` in the data folder. Several control planes share one.",
  }),
  httpHost: option.address({
    env: "FLOWSTATE_HTTP_HOST",
    fallback: "127.0.0.1",
    describe: "The address to listen on.",
  }),
  httpPort: option.port({ env: "FLOWSTATE_HTTP_PORT", fallback: "7400", describe: "The port to listen on." }),
  publicUrl: option.httpUrl({
    env: "FLOWSTATE_PUBLIC_URL",
    describe: "The address under which browsers reach the control plane; https unless it is this machine.",
  }),
  trustedProxies: option.cidrs({
    env: "FLOWSTATE_TRUSTED_PROXIES",
    fallback: "",
    describe: "Reverse proxies whose X-Forwarded-For is believed.",
  }),
  proxyPublicHost: option.address({
    env: "FLOWSTATE_PROXY_PUBLIC_HOST",
    describe: "The cloud proxy's host name as devices see it; `ai.flowstate.inc` is shown until it is set.",
  }),
  proxyPort: option.port({
    env: "FLOWSTATE_PROXY_PORT",
    fallback: "7443",
    describe: "The cloud proxy's port as devices see it.",
  }),
  databaseUrl: option.secret({
    env: "DATABASE_URL",
    describe: "A `postgres://` address; without it SQLite in the data folder is used.",
  }),
  masterKey: option.secret({
    env: "FLOWSTATE_MASTER_KEY",
    describe: "32 bytes in base64 from which the installation's secrets are derived.",
  }),
  masterKeyFile: option.text({
    env: "FLOWSTATE_MASTER_KEY_FILE",
    describe:
      "A file that holds the master key; `master.key` in the data folder is made when neither is set.",
  }),
  adminEmail: option.text({
    env: "FLOWSTATE_ADMIN_EMAIL",
    describe: "The e-mail of the owner that the first start makes.",
  }),
  adminPassword: option.secret({
    env: "FLOWSTATE_ADMIN_PASSWORD",
    describe: "That owner's password; without it the first start prints a one-time sign-in link.",
  }),
  providerBaseUrlAllowed: option.flag({
    env: "FLOWSTATE_ALLOW_PROVIDER_BASE_URL",
    fallback: "0",
    describe:
      "Whether a usage provider may be added with an address of its own in the vendor's place; for tests alone.",
  }),
  signalNetworks: option.cidrs({
    env: "FLOWSTATE_SIGNAL_NETWORKS",
    fallback: "",
    describe: "Private networks to which signals may be delivered; public addresses always may.",
  }),
  // So far back the rules of signals look: what they would find anew must not be deleted before.
  signalRetentionDays: option.days(90)({
    env: "FLOWSTATE_SIGNAL_RETENTION_DAYS",
    fallback: "400",
    describe:
      "How long signals and what they are drawn from are kept; open ones that somebody should look at stay.",
  }),
  oidcNetworks: option.cidrs({
    env: "FLOWSTATE_OIDC_NETWORKS",
    fallback: "",
    describe: "Private networks in which an identity provider may be; public addresses always may.",
  }),
  logLevel: option.logLevel({
    env: "FLOWSTATE_LOG_LEVEL",
    fallback: "info",
    describe: "How much is logged to standard error.",
  }),
};

export interface Config {
  readonly dataDir: string;
  /** Where the agent's releases are. */
  readonly releasesFolder: string;
  readonly store: StoreAddress;
  readonly masterKey: MasterKeySource;
  readonly http: { readonly host: string; readonly port: number };
  /** Where browsers reach it, where that is not the address it listens on. */
  readonly publicUrl: URL | null;
  /** The address it listens on; port 0 stands until the real one is known. */
  readonly localUrl: URL;
  readonly trustedProxies: BlockList;
  /** What devices put into HTTPS_PROXY, without the credentials. */
  readonly proxyUrl: string;
  readonly admin: { readonly email: string | null; readonly password: Secret | null };
  /** Whether credentials may name a local server in a vendor's place. */
  readonly providerBaseUrlAllowed: boolean;
  /** Private networks to which signals may be delivered. */
  readonly signalNetworks: BlockList;
  readonly signalRetentionDays: number;
  /** Private networks in which an identity provider may be. */
  readonly oidcNetworks: BlockList;
  readonly logLevel: string;
}

/** Reads and cross-checks the settings. Throws FS_CONFIG_INVALID. */
export function readConfig(env: NodeJS.ProcessEnv): Config {
  const raw = loadConfig(controlPlaneOptions, env);
  const dataDir = resolve(raw.dataDir);
  const { publicUrl, httpHost, adminEmail, adminPassword } = raw;
  if (publicUrl !== null && publicUrl.protocol !== "https:" && !isLoopback(publicUrl.hostname)) {
    throw invalid(
      `FLOWSTATE_PUBLIC_URL is "${publicUrl.origin}"; it takes https:// for any host but this machine`,
    );
  }
  if (publicUrl === null && !isLoopback(httpHost)) {
    throw invalid(
      `FLOWSTATE_PUBLIC_URL is unset; FLOWSTATE_HTTP_HOST "${httpHost}" takes the public https:// address with it`,
    );
  }
  if (adminPassword !== null && adminEmail === null) {
    throw invalid("FLOWSTATE_ADMIN_PASSWORD is set; it takes FLOWSTATE_ADMIN_EMAIL with it");
  }
  return {
    dataDir,
    releasesFolder: raw.releasesDir === null ? join(dataDir, "releases") : resolve(raw.releasesDir),
    store: storeAddress(raw.databaseUrl, dataDir),
    masterKey: { inline: raw.masterKey, file: raw.masterKeyFile, dataDir },
    http: { host: httpHost, port: raw.httpPort },
    publicUrl,
    localUrl: new URL(`http://${inUrl(httpHost)}:${raw.httpPort}`),
    trustedProxies: raw.trustedProxies,
    proxyUrl: proxyUrl(raw.proxyPublicHost, raw.proxyPort),
    admin: { email: adminEmail, password: adminPassword },
    providerBaseUrlAllowed: raw.providerBaseUrlAllowed,
    signalNetworks: raw.signalNetworks,
    signalRetentionDays: raw.signalRetentionDays,
    oidcNetworks: raw.oidcNetworks,
    logLevel: raw.logLevel,
  };
}

function storeAddress(databaseUrl: Secret | null, dataDir: string): StoreAddress {
  if (databaseUrl === null) return { kind: "sqlite", file: join(dataDir, "control-plane.db") };
  const url = databaseUrl.reveal();
  if (!/^postgres(?:ql)?:\/\/./.test(url) || !URL.canParse(url)) {
    throw invalid("DATABASE_URL is set to something else; it takes a postgres:// address");
  }
  return { kind: "postgres", url };
}

/** Until the host is known the product's own name stands there, as in the payloads. */
function proxyUrl(host: string | null, port: number): string {
  if (host === null) return "https://ai.flowstate.inc";
  return port === 443 ? `https://${inUrl(host)}` : `https://${inUrl(host)}:${port}`;
}

function inUrl(host: string): string {
  return isIP(host) === 6 ? `[${host}]` : host;
}

export function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || host === "[::1]" || /^127(?:\.\d{1,3}){3}$/.test(host);
}

function invalid(message: string): FlowstateError {
  return new FlowstateError("FS_CONFIG_INVALID", message);
}
