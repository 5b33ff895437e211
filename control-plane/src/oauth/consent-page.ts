import { escapeHtml, page } from "../login/pages.ts";
import type { Scope } from "./scopes.ts";

export interface Consent {
  readonly uid: string;
  /** Chosen by the client itself. */
  readonly clientName: string;
  readonly clientId: string;
  readonly redirect: URL;
  readonly email: string;
  /** What the client asks for. */
  readonly scopes: readonly Scope[];
}

const loopback = new Set(["localhost", "127.0.0.1", "[::1]"]);

/** Names the client and, because a client may call itself anything, where the answer goes. */
export function consentPage({ uid, clientName, clientId, redirect, email, scopes }: Consent): string {
  const host = redirect.host === "" ? redirect.protocol : redirect.host;
  const name = escapeHtml(clientName.slice(0, 200));
  const documented = URL.canParse(clientId)
    ? `<p>It is described by <code>${escapeHtml(clientId.slice(0, 500))}</code>.</p>`
    : "<p>It has registered itself under that name; nobody has checked it.</p>";
  const warning = loopback.has(redirect.hostname)
    ? `<p class="notice">The answer goes to a program on this computer. Agree only if you have just started one that asks for it.</p>`
    : "";
  return page(
    "Connect an application",
    `<h1>Connect ${name}?</h1>
${documented}
<p>The answer goes to <code>${escapeHtml(host)}</code>.</p>${warning}
<p>As far as ${escapeHtml(email)} may, it will be able to</p>
<ul>${scopes.map(({ allows }) => `<li>${escapeHtml(allows)}</li>`).join("")}</ul>
<p>and nothing else.</p>
<form method="post" action="/oauth/consent/${escapeHtml(uid)}">
<button name="decision" value="allow">Allow</button>
<button name="decision" value="refuse">Refuse</button>
</form>`,
  );
}
