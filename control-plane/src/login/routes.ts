import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { Clock } from "@flowstate/shared/clock";
import { unreachable } from "@flowstate/shared/assert";
import { FlowstateError } from "@flowstate/shared/errors";
import { Secret } from "@flowstate/shared/secret";
import { parseSubject } from "@flowstate/shared/subject";
import type { Events } from "../events.ts";
import type { Member } from "../members/members.ts";
import { listOrgs, type Org } from "../orgs/orgs.ts";
import type { MasterKey } from "../secrets/master-key.ts";
import type { Store } from "../store/open.ts";
import { addAccount } from "./account-routes.ts";
import { findBrowserLogin, parseNext, signInBrowser } from "./browser.ts";
import { cookieValue, isSameOrigin, noLoginCookie } from "./cookie.ts";
import { endLogin, findByPassword, parseLoginSecret, spendSignInLink, type SignInMethod } from "./logins.ts";
import {
  homePage,
  linkPage,
  pageHeaders,
  scriptPageHeaders,
  signInPage,
  spentLinkPage,
  type SignInForm,
} from "./pages.ts";
import type { OidcClient } from "./oidc/client.ts";
import { addOidc } from "./oidc/routes.ts";
import { isHeldToOidc, listOrgsWithOidc } from "./oidc/settings.ts";
import { relyingPartyOf } from "./passkey-ceremony.ts";
import { passkeyRoutes } from "./passkey-routes.ts";
import { admitAttempt, forgive, type Attempt } from "./throttle.ts";

export interface LoginDependencies {
  readonly store: Store;
  readonly events: Events;
  readonly clock: Clock;
  readonly master: MasterKey;
  readonly oidc: OidcClient;
  readonly publicUrl: () => URL;
  readonly proxyUrl: string;
  readonly version: string;
  /** The web application is there: whoever is signed in goes to it. */
  readonly hasWeb: boolean;
}

const blankForm = { email: "", organisation: "", notice: null, next: null } as const;
const atProviderOnly = "Your organisation signs in at its identity provider.";

/** Pages for people: the front page, signing in and out, the account. None needs a script but for passkeys. */
export async function loginRoutes(app: FastifyInstance, dependencies: LoginDependencies): Promise<void> {
  const { store, events, clock, publicUrl, proxyUrl, version, hasWeb } = dependencies;
  app.removeAllContentTypeParsers();
  app.addContentTypeParser(
    "application/x-www-form-urlencoded",
    { parseAs: "string", bodyLimit: 16 << 10 },
    (_, body, done) => done(null, new URLSearchParams(String(body))),
  );
  app.addHook("onRequest", async (request, reply) => {
    void reply.headers(pageHeaders);
    if (request.method === "POST" && !isSameOrigin(request.headers, publicUrl())) {
      throw new FlowstateError("FS_FORBIDDEN", "this form was sent from another site");
    }
  });
  const go = async (
    request: FastifyRequest,
    reply: FastifyReply,
    signedIn: { readonly member: Member; readonly by: SignInMethod; readonly next: string | null },
  ): Promise<FastifyReply> =>
    reply.redirect(await signInBrowser(request, reply, dependencies, signedIn), 303);
  const show = async (
    reply: FastifyReply,
    given: Pick<SignInForm, "email" | "organisation" | "notice" | "next">,
  ): Promise<FastifyReply> => {
    const organisations = (await listOrgs(store.reader)).map(({ slug }) => slug);
    const passkeys = relyingPartyOf(publicUrl()) !== null;
    const atProvider = await listOrgsWithOidc(store.reader);
    const form = { ...given, organisations, passkeys, atProvider };
    return reply.headers(scriptPageHeaders).send(signInPage(form));
  };
  addAccount(app, dependencies);
  await app.register((scope) => passkeyRoutes(scope, dependencies));
  addOidc(app, dependencies, (reply, notice, next) => show(reply, { ...blankForm, notice, next }));

  app.get("/", async (request, reply) => {
    const login = await findBrowserLogin(request, dependencies);
    if (login !== null && hasWeb) return reply.redirect("/app/", 303);
    return homePage({ version, proxyUrl, email: login?.member.email ?? null });
  });

  app.get<{ Querystring: { next?: string } }>("/sign-in", async ({ query }, reply) =>
    show(reply, { ...blankForm, next: parseNext(query.next) }),
  );

  app.post("/sign-in", async (request, reply) => {
    const form = formOf(request);
    const outcome = await tryPassword(store, await listOrgs(store.reader), form, request.ip, clock.now());
    events.signInTried(outcome.kind);
    switch (outcome.kind) {
      case "signed_in":
        return go(request, reply, { member: outcome.member, by: "password", next: form.next });
      case "refused":
        return show(reply.code(403), { ...form, notice: atProviderOnly });
      case "wrong":
        return show(reply.code(401), { ...form, notice: "The e-mail or the password is wrong." });
      case "throttled":
        void reply.header("retry-after", String(outcome.retryAfterSeconds));
        return show(reply.code(429), { ...form, notice: "Too many attempts. Try again later." });
      default:
        return unreachable(outcome);
    }
  });

  app.get<{ Params: { secret: string } }>("/sign-in/link/:secret", async (request, reply) => {
    const secret = parseLoginSecret(request.params.secret);
    return secret === null ? reply.code(404).send(spentLinkPage()) : linkPage(secret.reveal());
  });

  app.post<{ Params: { secret: string } }>("/sign-in/link/:secret", async (request, reply) => {
    const secret = parseLoginSecret(request.params.secret);
    const member =
      secret === null ? null : await store.transact((db) => spendSignInLink(db, secret, clock.now()));
    const held = member !== null && (await isHeldToOidc(store.reader, member));
    events.signInTried(member === null ? "bad_link" : held ? "refused" : "signed_in");
    if (member === null) return reply.code(404).send(spentLinkPage());
    if (held) return show(reply.code(403), { ...blankForm, notice: atProviderOnly });
    return go(request, reply, { member, by: "link", next: null });
  });

  app.post("/sign-out", async (request, reply) => {
    const cookie = parseLoginSecret(cookieValue(request.headers.cookie, publicUrl()) ?? "");
    if (cookie !== null) await store.transact((db) => endLogin(db, cookie, clock.now()));
    void reply.header("set-cookie", noLoginCookie(publicUrl()));
    return reply.redirect("/sign-in", 303);
  });
}

type Outcome =
  | { readonly kind: "signed_in"; readonly member: Member }
  | { readonly kind: "wrong" | "refused" }
  | { readonly kind: "throttled"; readonly retryAfterSeconds: number };

interface Form {
  readonly organisation: string;
  readonly email: string;
  readonly password: Secret;
  readonly next: string | null;
}

async function tryPassword(
  store: Store,
  orgs: readonly Org[],
  { organisation, email, password }: Form,
  address: string,
  now: number,
): Promise<Outcome> {
  const org = orgs.find(({ slug }) => slug === organisation);
  if (org === undefined) return { kind: "wrong" };
  const canonical = parseSubject(email.trim());
  const tried = canonical.ok ? canonical.value : email;
  const attempt: Attempt = { orgId: org.orgId, email: tried, address, now };
  const admission = await store.transact((db) => admitAttempt(db, attempt));
  if (!admission.ok) return { kind: "throttled", retryAfterSeconds: admission.retryAfterSeconds };
  const member = await findByPassword(store.reader, org.orgId, tried, password);
  if (member === null) return { kind: "wrong" };
  if (await isHeldToOidc(store.reader, member)) return { kind: "refused" };
  await store.transact((db) => forgive(db, attempt));
  return { kind: "signed_in", member };
}

function formOf(request: FastifyRequest): Form {
  const fields = request.body instanceof URLSearchParams ? request.body : new URLSearchParams();
  return {
    organisation: fields.get("organisation") ?? "",
    email: (fields.get("email") ?? "").slice(0, 320),
    password: new Secret(fields.get("password") ?? ""),
    next: parseNext(fields.get("next")),
  };
}
