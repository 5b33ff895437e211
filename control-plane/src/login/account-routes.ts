import type { FastifyInstance, FastifyReply } from "fastify";
import { isFlowstateError } from "@flowstate/shared/errors";
import { Secret } from "@flowstate/shared/secret";
import { accountPage } from "./account-page.ts";
import { findBrowserLogin, signInBrowser, type BrowserDependencies } from "./browser.ts";
import { cookieValue } from "./cookie.ts";
import { endOtherLogins, isFresh, parseLoginSecret, setPassword, type Login } from "./logins.ts";
import { passwordPage, scriptPageHeaders } from "./pages.ts";
import { relyingPartyOf } from "./passkey-ceremony.ts";
import { listPasskeys, removePasskey } from "./passkeys.ts";

/** The pages on which a member sees and changes how they sign in. */
export function addAccount(app: FastifyInstance, dependencies: BrowserDependencies): void {
  const { store, clock, publicUrl } = dependencies;
  const show = async (reply: FastifyReply, login: Login, notice: string | null) => {
    const { member } = login;
    const withoutPasskeys =
      relyingPartyOf(publicUrl()) === null
        ? "Passkeys need the control plane to be reached by a host name (FLOWSTATE_PUBLIC_URL)."
        : null;
    const passkeys = await listPasskeys(store.reader, member);
    const fresh = isFresh(login, clock.now());
    return reply
      .headers(scriptPageHeaders)
      .send(accountPage({ ...member, passkeys, withoutPasskeys, fresh, notice }));
  };

  app.get("/account", async (request, reply) => {
    const login = await findBrowserLogin(request, dependencies);
    return login === null ? reply.redirect("/sign-in?next=/account", 303) : show(reply, login, null);
  });

  app.get("/account/password", async (request, reply) => {
    const login = await findBrowserLogin(request, dependencies);
    return isFresh(login, clock.now())
      ? passwordPage(login.member.email, null)
      : reply.redirect("/sign-in", 303);
  });

  app.post("/account/password", async (request, reply) => {
    const login = await findBrowserLogin(request, dependencies);
    if (!isFresh(login, clock.now())) return reply.redirect("/sign-in", 303);
    const { member } = login;
    const password = request.body instanceof URLSearchParams ? request.body.get("password") : null;
    try {
      await setPassword(store, member, new Secret(password ?? ""), clock.now());
    } catch (error) {
      if (!isFlowstateError(error) || error.code !== "FS_INPUT_INVALID") throw error;
      return reply.code(400).send(passwordPage(member.email, error.message));
    }
    const signedIn = { member, by: "password", next: null } as const;
    return reply.redirect(await signInBrowser(request, reply, dependencies, signedIn), 303);
  });

  app.post<{ Params: { id: string } }>("/account/passkeys/:id/remove", async (request, reply) => {
    const login = await findBrowserLogin(request, dependencies);
    const cookie = parseLoginSecret(cookieValue(request.headers.cookie, publicUrl()) ?? "");
    if (cookie === null || !isFresh(login, clock.now())) {
      return reply.redirect("/sign-in?next=/account", 303);
    }
    await store.transact(async (db) => {
      // Whoever removes a passkey may have lost the device on which it is, and on which they are signed in.
      if (await removePasskey(db, login.member, request.params.id, clock.now())) {
        await endOtherLogins(db, login.member, cookie);
      }
    });
    return reply.redirect("/account", 303);
  });
}
