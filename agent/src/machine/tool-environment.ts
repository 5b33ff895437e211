/** What tools on this machine have to know, by way of their environment. */
export interface ToolEnvironmentOptions {
  readonly relayPort: number;
  /** Null where nothing is intercepted, and so no tool has to trust the device. */
  readonly authority: AuthorityFiles | null;
  /** Hosts besides loopback that are reached without the relay. */
  readonly direct: readonly string[];
}

export interface AuthorityFiles {
  /** The device authority alone, for runtimes that add it to their own list. */
  readonly caFile: string;
  /** The system's authorities and the device's in one file, for runtimes whose list it replaces. */
  readonly bundleFile: string;
}

/**
 * Environment of command-line tools, which read no PAC file. Lower case for curl and wget, upper case for everything
 * else; `HTTP_PROXY` is left out, because no AI service is reached in the clear.
 */
export function toolEnvironment({
  relayPort,
  authority,
  direct,
}: ToolEnvironmentOptions): Readonly<Record<string, string>> {
  const relay = `http://127.0.0.1:${relayPort}`;
  const noProxy = ["localhost", "127.0.0.1", "::1", ...direct].join(",");
  return {
    HTTPS_PROXY: relay,
    https_proxy: relay,
    NO_PROXY: noProxy,
    no_proxy: noProxy,
    NODE_USE_ENV_PROXY: "1",
    ...(authority === null ? {} : trustEnvironment(authority)),
  };
}

function trustEnvironment({ caFile, bundleFile }: AuthorityFiles): Readonly<Record<string, string>> {
  return {
    NODE_EXTRA_CA_CERTS: caFile,
    SSL_CERT_FILE: bundleFile,
    REQUESTS_CA_BUNDLE: bundleFile,
    CURL_CA_BUNDLE: bundleFile,
    CODEX_CA_CERTIFICATE: bundleFile,
  };
}

/** The environment as lines of a POSIX shell. */
export function shellExports(environment: Readonly<Record<string, string>>): string {
  return Object.entries(environment)
    .map(([name, value]) => `export ${name}='${value.replaceAll("'", `'\\''`)}'\n`)
    .join("");
}

/** As systemd's user manager reads it, and with it what starts from a desktop (environment.d(5)); `$` begins a name there. */
export function environmentFile(environment: Readonly<Record<string, string>>): string {
  return Object.entries(environment)
    .map(
      ([name, value]) => `${name}="${value.replaceAll(/["\\]/g, String.raw`\$&`).replaceAll("$", "$$$$")}"\n`,
    )
    .join("");
}
