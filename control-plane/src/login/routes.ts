import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { Clock } from "@flowstate/shared/clock";
import { unreachable } from "@flowstate/shared/assert";
import { FlowstateError, isFlowstateError } from "@flowstate/shared/errors";
import { Secret } from "@flowstate/shared/secret";
import { parseSubject } from "@flowstate/shared/subject";
import type { Events } from "../events.ts";
import type { Member } from "../members/members.ts";
import { listOrgs, type Org } from "../orgs/orgs.ts";
import type { Store } from "../store/open.ts";
import { cookieValue, isSameOrigin, loginCookie, noLoginCookie } from "./cookie.ts";
import {
  endLogin,
  findByPassword,
  findLogin,
  parseLoginSecret,
  setPassword,
  spendSignInLink,
  startLogin,
  type Login,
} from "./logins.ts";
import { homePage, linkPage, pageHeaders, passwordPage, signInPage, spentLinkPage } from "./pages.ts";
import { admitAttempt, forgive, type Attempt } from "./throttle.ts";

export interface LoginDependencies {
  readonly store: Store;
  readonly events: Events;
  readonly clock: Clock;
  readonly publicUrl: () => URL;
  readonly proxyUrl: string;
  readonly version: string;
  /** The web application is there: whoever is signed in goes to it. */
  readonly hasWeb: boolean;
}

/** A password may be set only so long after signing in; later one signs in again. */
const freshMs = 10 * 60_000;

/** Pages for people, without script: the front page, signing in and out, setting a password. */
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
  const loginOf = async (request: FastifyRequest): Promise<Login | null> => {
    const cookie = parseLoginSecret(cookieValue(request.headers.cookie, publicUrl()) ?? "");
    return cookie === null ? null : findLogin(store, cookie, clock.now());
  };
  const signIn = async (
    request: FastifyRequest,
    reply: FastifyReply,
    member: Member,
    next: string | null = null,
  ): Promise<FastifyReply> => {
    const before = parseLoginSecret(cookieValue(request.headers.cookie, publicUrl()) ?? "");
    const secret = await store.transact(async (db) => {
      if (before !== null) await endLogin(db, before, clock.now());
      return startLogin(db, member, clock.now());
    });
    void reply.header("set-cookie", loginCookie(secret, publicUrl()));
    return reply.redirect(member.hasPassword ? (next ?? "/") : "/account/password", 303);
  };

  app.get("/", async (request, reply) => {
    const login = await loginOf(request);
    if (login !== null && hasWeb) return reply.redirect("/app/", 303);
    return homePage({ version, proxyUrl, email: login?.member.email ?? null });
  });

  app.get<{ Querystring: { next?: string } }>("/sign-in", async ({ query }) => {
    const organisations = (await listOrgs(store.reader)).map(({ slug }) => slug);
    return signInPage({ organisations, email: "", organisation: "", notice: null, next: nextOf(query.next) });
  });

  app.post("/sign-in", async (request, reply) => {
    const form = formOf(request);
    const orgs = await listOrgs(store.reader);
    const outcome = await tryPassword(store, orgs, form, request.ip, clock.now());
    events.signInTried(outcome.kind);
    const again = (notice: string) =>
      signInPage({ ...form, organisations: orgs.map(({ slug }) => slug), notice });
    switch (outcome.kind) {
      case "signed_in":
        return signIn(request, reply, outcome.member, form.next);
      case "wrong":
        return reply.code(401).send(again("The e-mail or the password is wrong."));
      case "throttled":
        void reply.header("retry-after", String(outcome.retryAfterSeconds));
        return reply.code(429).send(again("Too many attempts. Try again later."));
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
    events.signInTried(member === null ? "bad_link" : "signed_in");
    return member === null ? reply.code(404).send(spentLinkPage()) : signIn(request, reply, member);
  });

  app.get("/account/password", async (request, reply) => {
    const login = await loginOf(request);
    return isFresh(login, clock.now())
      ? passwordPage(login.member.email, null)
      : reply.redirect("/sign-in", 303);
  });

  app.post("/account/password", async (request, reply) => {
    const login = await loginOf(request);
    if (!isFresh(login, clock.now())) return reply.redirect("/sign-in", 303);
    try {
      await setPassword(store, login.member, formOf(request).password, clock.now());
    } catch (error) {
      if (!isFlowstateError(error) || error.code !== "FS_INPUT_INVALID") throw error;
      return reply.code(400).send(passwordPage(login.member.email, error.message));
    }
    return signIn(request, reply, { ...login.member, hasPassword: true });
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
  | { readonly kind: "wrong" }
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
  const attempt: Attempt = { orgId: org.orgId, email: canonical.ok ? canonical.value : email, address, now };
  const admission = await store.transact((db) => admitAttempt(db, attempt));
  if (!admission.ok) return { kind: "throttled", retryAfterSeconds: admission.retryAfterSeconds };
  const member = await findByPassword(store.reader, org.orgId, attempt.email, password);
  if (member === null) return { kind: "wrong" };
  await store.transact((db) => forgive(db, attempt));
  return { kind: "signed_in", member };
}

function formOf(request: FastifyRequest): Form {
  const fields = request.body instanceof URLSearchParams ? request.body : new URLSearchParams();
  return {
    organisation: fields.get("organisation") ?? "",
    email: (fields.get("email") ?? "").slice(0, 320),
    password: new Secret(fields.get("password") ?? ""),
    next: nextOf(fields.get("next")),
  };
}

/** Where signing in may lead: the page on which an application asks to be connected, and nowhere else. */
function nextOf(text: unknown): string | null {
  return typeof text === "string" && /^\/oauth\/consent\/[\w-]{1,64}$/.test(text) ? text : null;
}

function isFresh(login: Login | null, now: number): login is Login {
  return login !== null && login.startedAt > now - freshMs;
}
