import { createHash, X509Certificate } from "node:crypto";
import { ok, refuse, type Parsed } from "@flowstate/shared/parsed";
import { expandNoProxy, lintNoProxy } from "./no-proxy.ts";

/** What an administrator chooses; everything but the proxy's host has a default. */
export interface SettingsInput {
  /** Host name of the proxy, with a port where it is not 443: `ai.flowstate.inc`, `proxy.corp.example:7443`. */
  readonly proxyHost: string;
  /** Name of the secret in the MDM; default MDM_FLOWSTATE_KEY. */
  readonly secretName?: string | undefined;
  /** Corporate domains and hosts that stay direct; a domain is listed in both forms that clients need. */
  readonly noProxy?: readonly string[] | undefined;
  /** direct: devices talk to the proxy themselves; loopback: through the agent's relay, without a secret. */
  readonly mode?: string | undefined;
  readonly relayPort?: number | undefined;
  /** Sets the lower-case names as well; always so in loopback mode. */
  readonly lowerCase?: boolean | undefined;
  /** Overrides a proxy that others configured; it comes back on uninstall. */
  readonly replace?: boolean | undefined;
  readonly scope?: string | undefined;
  /** The certificate authority of the proxy's certificate, where it is not a public one. PEM. */
  readonly caPem?: string | undefined;
  /** How Chrome proves who it is: the extension, or a client certificate. */
  readonly identity?: string | undefined;
  /** Common name of the issuer of those client certificates. */
  readonly certificateIssuer?: string | undefined;
  readonly extensionId?: string | undefined;
  /** Where an MDM knows no e-mail (JumpCloud): the local user name at this domain. */
  readonly emailDomain?: string | undefined;
  /** Takes a NO_PROXY list that the linter refuses. */
  readonly force?: boolean | undefined;
  /** Random hexadecimal text for the end marks around values that an MDM pastes into a script. */
  readonly nonce?: string | undefined;
}

/** Settings of good form: every text is of an alphabet that is inert in shell, PowerShell, XML, JSON and JavaScript. */
export interface MdmSettings {
  readonly host: string;
  readonly port: number;
  /** As it stands in a URL: the port only where it is not 443. */
  readonly authority: string;
  readonly secretName: string;
  readonly noProxy: string;
  readonly noProxyWarnings: readonly string[];
  readonly mode: "direct" | "loopback";
  readonly relay: string;
  readonly lowerCase: boolean;
  readonly replace: boolean;
  readonly scope: "user" | "machine";
  readonly caPem: string | null;
  readonly identity: "extension" | "certificate";
  readonly certificateIssuer: string;
  readonly extensionId: string;
  readonly emailDomain: string | null;
  readonly nonce: string;
}

export type SettingsRefusal = "bad_setting" | "unsafe_no_proxy";

const hostName = /^(?=.{1,253}$)[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*$/i;

/** Reads what an administrator chose. Never throws; the refusal names the setting and what it takes. */
export function parseSettings(input: SettingsInput): Parsed<MdmSettings, SettingsRefusal> {
  const [, host = "", portText] = /^([^:]*)(?::(\d{1,5}))?$/.exec(input.proxyHost) ?? [];
  const port = portText === undefined ? 443 : Number(portText);
  const secretName = input.secretName ?? "MDM_FLOWSTATE_KEY";
  const mode = input.mode ?? "direct";
  const scope = input.scope ?? "user";
  const identity = input.identity ?? "extension";
  const relayPort = input.relayPort ?? 7480;
  const certificateIssuer = input.certificateIssuer ?? "Flowstate Device CA";
  const extensionId = input.extensionId ?? "EXTENSION_ID";
  const emailDomain = input.emailDomain ?? null;
  const nonce = input.nonce ?? digest(JSON.stringify(input));
  const caPem = input.caPem === undefined ? null : certificateText(input.caPem);

  const wrong = (name: string, takes: string) => refuse("bad_setting", `${name} is wrong: it takes ${takes}`);
  if (!hostName.test(host) || port < 1 || port > 65_535)
    return wrong("proxy host", "a host name, with a port where it is not 443 (proxy.corp.example:7443)");
  if (!/^[A-Z][A-Z0-9_]{0,62}$/.test(secretName))
    return wrong("secret name", "capital letters, digits and underscores, as in MDM_FLOWSTATE_KEY");
  if (mode !== "direct" && mode !== "loopback") return wrong("mode", "direct or loopback");
  if (scope !== "user" && scope !== "machine") return wrong("scope", "user or machine");
  if (scope === "machine" && mode === "direct")
    return wrong("scope", "user in direct mode: machine-wide variables would show the key to every account");
  if (identity !== "extension" && identity !== "certificate")
    return wrong("identity", "extension or certificate");
  if (!Number.isInteger(relayPort) || relayPort < 1 || relayPort > 65_535)
    return wrong("relay port", "a port from 1 to 65535");
  if (!/^[\p{L}\p{N} ._-]{1,64}$/u.test(certificateIssuer))
    return wrong("certificate issuer", "a common name of letters, digits, blanks, dots and dashes");
  if (extensionId !== "EXTENSION_ID" && !/^[a-p]{32}$/.test(extensionId))
    return wrong("extension id", "the 32 letters from a to p that the Chrome Web Store assigned");
  if (emailDomain !== null && !(hostName.test(emailDomain) && emailDomain.includes(".")))
    return wrong("e-mail domain", "a domain such as corp.example");
  if (!/^[0-9a-f]{8,64}$/.test(nonce)) return wrong("nonce", "8 to 64 hexadecimal digits");
  if (input.caPem !== undefined && caPem === null) return wrong("ca", "one or more certificates in PEM form");

  const findings = lintNoProxy(input.noProxy ?? []);
  const errors = findings.filter(({ severity }) => severity === "error");
  const unwritable = errors.some(({ rule }) => rule === "malformed");
  if (errors.length > 0 && (input.force !== true || unwritable))
    return refuse("unsafe_no_proxy", errors.map(({ message }) => message).join("; "));

  return ok({
    host: host.toLowerCase(),
    port,
    authority: port === 443 ? host.toLowerCase() : `${host.toLowerCase()}:${port}`,
    secretName,
    noProxy: expandNoProxy(input.noProxy ?? []).join(","),
    noProxyWarnings: findings.map(({ message }) => message),
    mode,
    relay: `http://127.0.0.1:${relayPort}`,
    lowerCase: mode === "loopback" || input.lowerCase === true,
    replace: input.replace === true,
    scope,
    caPem,
    identity,
    certificateIssuer,
    extensionId,
    emailDomain,
    nonce,
  });
}

function digest(text: string): string {
  return createHash("sha256").update(text).digest("hex").slice(0, 24);
}

/** Certificates alone, printed anew from what was parsed, so that nothing else of the file travels into a script. */
function certificateText(pem: string): string | null {
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----/g) ?? [];
  try {
    return blocks.length === 0 ? null : blocks.map((block) => new X509Certificate(block).toString()).join("");
  } catch {
    return null;
  }
}
