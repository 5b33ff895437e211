import { hash } from "node:crypto";
import { readFileSync } from "node:fs";

/** The colours are the web application's. */
const style = `
:root {
  color-scheme: light dark; font: 15px/1.5 system-ui, sans-serif;
  --ground: light-dark(#f7f7f5, #161615); --surface: light-dark(#fff, #1f1f1d); --line: light-dark(#e0dfda, #383733);
  --text: light-dark(#1d1d1b, #ecebe6); --muted: light-dark(#5c5b57, #aeaca4);
  --accent: light-dark(#1f4fbf, #8fb0ff); --accent-text: light-dark(#fff, #10131c);
}
* { box-sizing: border-box }
body { margin: 0; min-height: 100vh; display: grid; place-items: center; background: var(--ground); color: var(--text) }
main { width: min(27rem, 100vw - 2rem); margin: 2rem 0; padding: 2rem; background: var(--surface); border: 1px solid var(--line); border-radius: .75rem }
h1 { font-size: 1.4rem; margin: 0 0 1rem }
h2 { font-size: 1.05rem; margin: 2rem 0 .5rem }
a { color: var(--accent) }
label { display: block; margin-top: 1rem }
input, button, .button { display: block; width: 100%; padding: .55rem .75rem; border: 1px solid var(--muted); border-radius: .4rem; font: inherit }
input { margin-top: .25rem; background: var(--ground); color: inherit }
button, .button { margin-top: 1.25rem; background: var(--accent); border-color: var(--accent); color: var(--accent-text); cursor: pointer; text-align: center; text-decoration: none }
.quiet { background: none; border-color: var(--muted); color: var(--text) }
button:disabled { opacity: .6; cursor: default }
ul { margin: 0; padding: 0; list-style: none }
.keys li { display: flex; gap: 1rem; align-items: center; justify-content: space-between; padding: .75rem 0; border-top: 1px solid var(--line) }
.keys button { width: auto; margin: 0 }
.keys small { display: block; color: var(--muted) }
code { overflow-wrap: anywhere }
.notice { border-left: 4px solid; padding-left: .75rem }
[role=alert]:empty { display: none }
`;

const styleHash = hash("sha256", style, "base64");

/** Nothing but our own inline style, and forms to ourselves: no script, no request to anybody else. */
export const pageHeaders: Readonly<Record<string, string>> = {
  "content-type": "text/html; charset=utf-8",
  "content-security-policy": policy("'self'"),
  "cache-control": "no-store",
  // Under no-referrer a browser would send `Origin: null` with our own forms.
  "referrer-policy": "same-origin",
  "x-content-type-options": "nosniff",
  "x-frame-options": "DENY",
  "cross-origin-opener-policy": "same-origin",
};

/** The script of the pages on which passkeys are used. */
export const passkeyScript = readFileSync(new URL("passkey-page.js", import.meta.url));

/** Of a page with that script, which calls us and nobody else. */
export const scriptPageHeaders: Readonly<Record<string, string>> = {
  ...pageHeaders,
  "content-security-policy": `${policy("'self'")}; script-src 'self'; connect-src 'self'`,
};

/** Of a page whose form leads on to another origin or scheme. */
export function formPageHeaders(target: string): Readonly<Record<string, string>> {
  return { ...pageHeaders, "content-security-policy": policy(`'self' ${target}`) };
}

function policy(formAction: string): string {
  return `default-src 'none'; style-src 'sha256-${styleHash}'; form-action ${formAction}; frame-ancestors 'none'; base-uri 'none'`;
}

export interface SignInForm {
  /** More than one organisation: the form asks which. */
  readonly organisations: readonly string[];
  readonly email: string;
  readonly organisation: string;
  readonly notice: string | null;
  /** Path of ours to go to afterwards; null: the front page. */
  readonly next: string | null;
  /** Whether this address may have passkeys. */
  readonly passkeys: boolean;
  /** Organisations that sign in at an identity provider. */
  readonly atProvider: readonly string[];
}

export function signInPage({
  organisations,
  email,
  organisation,
  notice,
  next,
  passkeys,
  atProvider,
}: SignInForm): string {
  const only = organisations.length === 1 ? organisations[0] : undefined;
  const org =
    only === undefined
      ? field("Organisation", "organisation", "text", organisation, "organization")
      : `<input type="hidden" name="organisation" value="${escapeHtml(only)}">`;
  return page(
    "Sign in",
    `<h1>Sign in to Flowstate</h1>${noticeOf(notice)}
<form method="post" action="/sign-in">
${next === null ? "" : `<input type="hidden" name="next" value="${escapeHtml(next)}">`}
${org}
${field("E-mail", "email", "email", email, "username")}
${field("Password", "password", "password", "", "current-password")}
<button>Sign in</button>
</form>${atProvider.length === 0 ? "" : providerWay(only, next)}${passkeys ? passkeyForm(next) : ""}`,
  );
}

/** By a link where the organisation is known, because a form must not lead on to another origin. */
function providerWay(only: string | undefined, next: string | null): string {
  if (only !== undefined) {
    return `
<a class="button quiet" href="${escapeHtml(startPath(only, next))}">Sign in at your identity provider</a>`;
  }
  return `
<form method="get" action="/sign-in/oidc">
${next === null ? "" : `<input type="hidden" name="next" value="${escapeHtml(next)}">`}
${field("Organisation", "organisation", "text", "", "organization")}
<button class="quiet">Use your identity provider</button>
</form>`;
}

/** Where the way to an organisation's identity provider begins. */
function startPath(organisation: string, next: string | null): string {
  const query = new URLSearchParams({ organisation, ...(next === null ? {} : { next }) });
  return `/sign-in/oidc/start?${query}`;
}

/** Names the identity provider before the browser goes there. */
export function providerPage(organisation: string, issuer: string, next: string | null): string {
  return page(
    "Sign in",
    `<h1>Sign in to Flowstate</h1>
<p>${escapeHtml(organisation)} signs in at <code>${escapeHtml(new URL(issuer).host)}</code>.</p>
<a class="button" href="${escapeHtml(startPath(organisation, next))}">Continue</a>`,
  );
}

/** Hidden until the script finds that this browser has passkeys. */
function passkeyForm(next: string | null): string {
  return `
<form data-passkey="get" data-begin="/sign-in/passkey/options" data-finish="/sign-in/passkey" hidden>
${next === null ? "" : `<input type="hidden" name="next" value="${escapeHtml(next)}">`}
<button class="quiet">Use a passkey</button>
<p role="alert"></p>
</form>
<script src="/sign-in/passkey.js" defer></script>`;
}

/** Asks for a click, because mail scanners open links by themselves and would spend it. */
export function linkPage(secret: string): string {
  return page(
    "Sign in",
    `<h1>Sign in to Flowstate</h1>
<p>This link works once.</p>
<form method="post" action="/sign-in/link/${escapeHtml(secret)}"><button>Sign in</button></form>`,
  );
}

export function spentLinkPage(): string {
  return page(
    "Sign in",
    `<h1>This link does not work any more</h1>
<p>A sign-in link works once, for 24 hours. Ask for a new one: an administrator makes it with
<code>flowstate-control user invite E-MAIL --role ROLE</code>.</p>`,
  );
}

export function passwordPage(email: string, notice: string | null): string {
  return page(
    "Choose a password",
    `<h1>Choose a password</h1>${noticeOf(notice)}
<form method="post" action="/account/password">
<input type="hidden" name="email" value="${escapeHtml(email)}" autocomplete="username">
${field("New password, 12 characters or more", "password", "password", "", "new-password")}
<button>Save</button>
</form>
<p>A <a href="/account">passkey</a> does without one.</p>`,
  );
}

export interface HomePage {
  readonly version: string;
  readonly proxyUrl: string;
  /** Null when nobody is signed in. */
  readonly email: string | null;
}

export function homePage({ version, proxyUrl, email }: HomePage): string {
  const who =
    email === null
      ? `<p><a href="/sign-in">Sign in</a></p>`
      : `<p>Signed in as ${escapeHtml(email)}. <a href="/account">Password and passkeys</a></p>
<form method="post" action="/sign-out"><button class="quiet">Sign out</button></form>`;
  return page(
    "Flowstate",
    `<h1>Flowstate control plane ${escapeHtml(version)}</h1>
<p>It shows what your AI tools cost, who causes it, and whether the bill is right.</p>
<ul>
<li>Questions and changes: <code>/graphql</code> with an API key</li>
<li>Health: <a href="/healthz">/healthz</a>, <a href="/readyz">/readyz</a></li>
<li>The cloud proxy for devices: <code>${escapeHtml(proxyUrl)}</code></li>
<li>Keys, members, backup: <code>npx flowstate-control --help</code></li>
</ul>
${who}`,
  );
}

/** A whole page with our style. */
export function page(title: string, body: string): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>${escapeHtml(title)}</title>
<style>${style}</style>
</head>
<body>
<main>
${body}
</main>
</body>
</html>
`;
}

export function field(
  label: string,
  name: string,
  type: string,
  value: string,
  autocomplete: string,
): string {
  return `<label>${escapeHtml(label)}
<input name="${name}" type="${type}" value="${escapeHtml(value)}" autocomplete="${autocomplete}" required></label>`;
}

export function noticeOf(notice: string | null): string {
  return notice === null ? "" : `\n<p class="notice" role="alert">${escapeHtml(notice)}</p>`;
}

/** Text as it stands in HTML, in attributes too. */
export function escapeHtml(text: string): string {
  return text
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;")
    .replaceAll("'", "&#39;");
}
