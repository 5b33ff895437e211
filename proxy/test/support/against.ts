import { readFileSync } from "node:fs";
import { basicCredential } from "@flowstate/shared/net/basic-auth";
import { parseHostPort } from "@flowstate/shared/net/host-port";
import type { ConnectionOptions } from "node:tls";
import { dialTls } from "./dial.ts";

/** What a failure says where a case cannot be tried on a foreign proxy. `npm run conformance` reads it. */
export const notApplicable = "not applicable:";

/** Settings that a foreign proxy has to be given beforehand: loopback as a target, any port. Names of ours it need not know. */
const given = new Set(["allow", "ports", "dnsServers"]);

/** A foreign proxy that says nothing for so long has failed the case. */
const silenceMs = 2000;

/**
 * The foreign proxy that the cases are run against, where there is one: `FLOWSTATE_CONFORMANCE_AGAINST` is its address,
 * `…_CREDENTIALS` a file with `user:password`, `…_CA` a PEM file.
 */
export function foreignProxy(options: object) {
  const { FLOWSTATE_CONFORMANCE_AGAINST: address, FLOWSTATE_CONFORMANCE_CREDENTIALS: credentials } =
    process.env;
  if (address === undefined) return null;
  const settings = Object.keys(options).filter((name) => !given.has(name));
  if (settings.length > 0)
    throw new Error(`${notApplicable} it needs settings of its own (${settings.join(", ")})`);
  const parsed = parseHostPort(address);
  if (!parsed.ok) throw new Error(parsed.detail);
  const { host, port } = parsed.value;
  const [, user = "", password = ""] =
    /^([^:]*):(.*)$/s.exec(credentials === undefined ? "" : readFileSync(credentials, "utf8").trim()) ?? [];
  const caFile = process.env["FLOWSTATE_CONFORMANCE_CA"];
  const ca = caFile === undefined ? "" : readFileSync(caFile, "utf8");
  return {
    host,
    port,
    ca,
    key: password,
    get admin(): never {
      return hidden();
    },
    get tlsFolder(): never {
      return hidden();
    },
    get controlPlane(): never {
      return hidden();
    },
    log: hidden,
    events: hidden,
    credential(asked = user, key = password) {
      if (asked !== user) throw new Error(`${notApplicable} it needs several people`);
      return basicCredential({ user, password: key });
    },
    async dial(tls: ConnectionOptions = {}) {
      const socket = await dialTls({ host, port, ca }, tls);
      return socket.setTimeout(silenceMs, () => socket.destroy());
    },
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

/** For a case that looks at this program alone. */
export function needsOwnProxy(): void {
  if (process.env["FLOWSTATE_CONFORMANCE_AGAINST"] !== undefined) hidden();
}

function hidden(): never {
  throw new Error(`${notApplicable} it looks into the proxy`);
}
