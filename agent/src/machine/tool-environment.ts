/** What tools on this machine have to know, by way of their environment. */
export interface ToolEnvironmentOptions {
  readonly relayPort: number;
  /** The device authority alone, for runtimes that add it to their own list. */
  readonly caFile: string;
  /** The system's authorities and the device's in one file, for runtimes whose list it replaces. */
  readonly bundleFile: string;
  /** Hosts besides loopback that are reached without the relay. */
  readonly direct: readonly string[];
}

/**
 * Environment of command-line tools, which read no PAC file. Lower case for curl and wget, upper case for everything
 * else; `HTTP_PROXY` is left out, because no AI service is reached in the clear.
 */
export function toolEnvironment({
  relayPort,
  caFile,
  bundleFile,
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

const begin = "# >>> flowstate >>>\n";
const end = "# <<< flowstate <<<\n";

/** A text with our lines at its end, marked; ours from before are replaced. Everything else stays as it was. */
export function withMarkedLines(text: string, lines: string): string {
  const rest = withoutMarkedLines(text);
  const separator = rest === "" || rest.endsWith("\n") ? "" : "\n";
  return `${rest}${separator}${begin}${lines}${end}`;
}

/** The text without our lines, wherever they were moved to. */
export function withoutMarkedLines(text: string): string {
  const from = text.indexOf(begin);
  const to = text.indexOf(end, from);
  return from < 0 || to < 0 ? text : text.slice(0, from) + text.slice(to + end.length);
}
