import { escapeHtml, field, noticeOf, page } from "./pages.ts";
import type { Passkey } from "./passkeys.ts";

export interface AccountPage {
  readonly email: string;
  readonly hasPassword: boolean;
  readonly passkeys: readonly Passkey[];
  /** Why no passkey can be added here; null: one can. */
  readonly withoutPasskeys: string | null;
  /** Whether the person has just signed in. */
  readonly fresh: boolean;
  readonly notice: string | null;
}

/** How a member signs in, and where they change it. */
export function accountPage(account: AccountPage): string {
  const { email, hasPassword, passkeys, withoutPasskeys, fresh, notice } = account;
  const list =
    passkeys.length === 0
      ? "<p>You have none.</p>"
      : `<ul class="keys">${passkeys.map((passkey) => listed(passkey, fresh)).join("")}</ul>`;
  return page(
    "Your account",
    `<h1>Your account</h1>${noticeOf(notice)}
<p>${escapeHtml(email)}</p>
${fresh ? "" : `<p class="notice"><a href="/sign-in?next=/account">Sign in again</a> to change anything here.</p>`}
<h2>Password</h2>
<p>${hasPassword ? "You have one." : "You have none."}${fresh ? ` <a href="/account/password">${hasPassword ? "Change it" : "Set one"}</a>` : ""}</p>
<h2>Passkeys</h2>
${list}${fresh ? (withoutPasskeys === null ? newPasskeyForm : `<p>${escapeHtml(withoutPasskeys)}</p>`) : ""}
<p><a href="/">Back to Flowstate</a></p>
<form method="post" action="/sign-out"><button class="quiet">Sign out</button></form>`,
  );
}

function listed({ credentialId, name, backedUp, createdAt, usedAt }: Passkey, fresh: boolean): string {
  const used = usedAt === null ? "not used yet" : `last used ${dayOf(usedAt)}`;
  const where = backedUp ? "on several devices" : "on one device";
  const remove = `<form method="post" action="/account/passkeys/${escapeHtml(credentialId)}/remove">
<button class="quiet" aria-label="Remove ${escapeHtml(name)}">Remove</button></form>`;
  return `<li><div><strong>${escapeHtml(name)}</strong>
<small>added ${dayOf(createdAt)}, ${used}, ${where}</small></div>${fresh ? remove : ""}</li>`;
}

const newPasskeyForm = `
<form data-passkey="create" data-begin="/account/passkeys/options" data-finish="/account/passkeys" hidden>
${field("Name of a new passkey", "name", "text", "", "off")}
<button>Add a passkey</button>
<p role="alert"></p>
</form>
<script src="/sign-in/passkey.js" defer></script>`;

function dayOf(instant: number): string {
  return new Date(instant).toISOString().slice(0, 10);
}
