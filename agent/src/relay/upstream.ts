import { basicCredential } from "@flowstate/shared/net/basic-auth";
import { ok, refuse, type Parsed } from "@flowstate/shared/parsed";
import { Secret } from "@flowstate/shared/secret";

/** A proxy of the network that everything leaving this device goes through. */
export interface Upstream {
  /** `http://` or `https://`, without user information. */
  readonly url: URL;
  /** `Basic …`; null where it asks for none. */
  readonly credential: Secret | null;
  /** As it was given, with user and password. */
  readonly address: Secret;
}

/** Reads `http://user:password@host:port`, user and password percent-encoded. Never throws, never repeats the text. */
export function parseUpstream(text: string): Parsed<Upstream> {
  const url = URL.canParse(text) ? new URL(text) : null;
  const bare = url !== null && url.pathname === "/" && url.search + url.hash === "";
  if (url === null || !bare || !/^https?:$/.test(url.protocol))
    return refuse("not_a_proxy", "http://host:port or https://host:port, with user:password@ where it asks");
  const user = decode(url.username);
  const password = decode(url.password);
  if (user === null || password === null)
    return refuse("not_a_proxy", "user and password percent-encoded, as in a%2Fb for a/b");
  const credential = user === "" ? null : new Secret(basicCredential({ user, password }));
  url.username = "";
  url.password = "";
  return ok({ url, credential, address: new Secret(text) });
}

function decode(text: string): string | null {
  try {
    return decodeURIComponent(text);
  } catch {
    return null;
  }
}
