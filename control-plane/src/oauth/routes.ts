import type { IncomingMessage, ServerResponse } from "node:http";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { Provider } from "oidc-provider";
import type { Clock } from "@flowstate/shared/clock";
import { FlowstateError } from "@flowstate/shared/errors";
import { createPace } from "../access/pace.ts";
import { recordAudit } from "../audit/record.ts";
import { cookieValue, isSameOrigin } from "../login/cookie.ts";
import { findLogin, parseLoginSecret, type Login } from "../login/logins.ts";
import { formPageHeaders } from "../login/pages.ts";
import { accountIdOf } from "../members/account.ts";
import type { Store } from "../store/open.ts";
import { consentPage } from "./consent-page.ts";
import { forward } from "./forward.ts";
import { normaliseRegistration } from "./registration.ts";
import { readScope, type Scope } from "./scopes.ts";

export interface OAuthDependencies {
  readonly store: Store;
  readonly clock: Clock;
  readonly publicUrl: () => URL;
  readonly server: () => Provider;
  readonly scopes: readonly Scope[];
}

const discovery = ["/.well-known/oauth-authorization-server", "/.well-known/openid-configuration"];

/** Of one address: anybody may register, and each registration is a record. */
const registrationsPerMinute = 60;

/** The product's documented paths, for clients that were told them. */
const otherPrefix = "/api/mcp/oauth";

/** The authorization server's endpoints and the page on which a person agrees. */
export async function oauthRoutes(app: FastifyInstance, dependencies: OAuthDependencies): Promise<void> {
  const { clock, publicUrl, server } = dependencies;
  const pace = createPace(clock, registrationsPerMinute);
  app.removeAllContentTypeParsers();
  app.addContentTypeParser("*", { parseAs: "string", bodyLimit: 50_000 }, (_, body, done) =>
    done(null, body),
  );

  const answer = async (request: FastifyRequest, reply: FastifyReply): Promise<void> => {
    const url = new URL(request.url, publicUrl());
    const path = url.pathname.startsWith(`${otherPrefix}/`)
      ? `/oauth${url.pathname.slice(otherPrefix.length)}`
      : url.pathname;
    if (path === "/oauth/authorize") withDefaults(url.searchParams);
    const headers = {
      ...request.raw.headers,
      "x-forwarded-proto": publicUrl().protocol.slice(0, -1),
      "x-forwarded-host": publicUrl().host,
      // Each request starts afresh: who agreed before, on this browser, is none of its business.
      ...(path === "/oauth/authorize" ? { cookie: "" } : {}),
    };
    if (path === "/oauth/register") {
      const { admitted, resetSeconds } = pace(request.ip);
      void reply.header("retry-after", resetSeconds);
      if (!admitted) {
        throw new FlowstateError(
          "FS_RATE_LIMITED",
          `at most ${registrationsPerMinute} registrations a minute`,
        );
      }
    }
    const sent = typeof request.body === "string" ? request.body : "";
    const body = path === "/oauth/register" ? registrationOf(sent) : sent;
    const forwarded = forward(request.raw, { url: `${path}${url.search}`, headers, body });
    reply.hijack();
    await callbackOf(server())(forwarded, reply.raw);
  };
  for (const path of discovery) app.get(path, answer);
  for (const prefix of ["/oauth", otherPrefix]) {
    app.get(`${prefix}/authorize`, answer);
    app.get(`${prefix}/authorize/:uid`, answer);
    for (const name of ["token", "register", "revoke"]) app.post(`${prefix}/${name}`, answer);
  }
  addConsent(app, dependencies);
}

function callbackOf(
  provider: Provider,
): (request: IncomingMessage, response: ServerResponse) => Promise<void> {
  return provider.callback();
}

/** A request without a scope asks for reading; and a person is asked each time, whatever they agreed to before. */
function withDefaults(query: URLSearchParams): void {
  if ((query.get("scope") ?? "").trim() === "") query.set("scope", readScope.name);
  query.set("prompt", "consent");
}

function addConsent(
  app: FastifyInstance,
  { store, clock, publicUrl, server, scopes }: OAuthDependencies,
): void {
  const loginOf = async (request: FastifyRequest): Promise<Login | null> => {
    const cookie = parseLoginSecret(cookieValue(request.headers.cookie, publicUrl()) ?? "");
    return cookie === null ? null : findLogin(store, cookie, clock.now());
  };
  const asked = async (request: FastifyRequest, reply: FastifyReply) => {
    const details = await server()
      .interactionDetails(request.raw, reply.raw)
      .catch(() => null);
    const client =
      details === null ? undefined : await server().Client.find(String(details.params["client_id"]));
    const { uid } = request.params as { uid: string };
    if (details === null || client === undefined || details.uid !== uid) {
      throw new FlowstateError(
        "FS_NOT_FOUND",
        "this request to connect is over; start again in the application",
      );
    }
    const redirect = new URL(String(details.params["redirect_uri"]));
    return { details, redirect, clientId: client.clientId, clientName: client.clientName ?? client.clientId };
  };

  app.get<{ Params: { uid: string } }>("/oauth/consent/:uid", async (request, reply) => {
    const { details, redirect, clientId, clientName } = await asked(request, reply);
    const login = await loginOf(request);
    if (login === null) {
      return reply.redirect(`/sign-in?next=${encodeURIComponent(`/oauth/consent/${details.uid}`)}`, 303);
    }
    // Browsers hold the redirect after a form to form-action as well.
    const target = redirect.protocol.startsWith("http") ? redirect.origin : redirect.protocol;
    void reply.headers(formPageHeaders(target));
    const asks = String(details.params["scope"]).split(" ");
    return consentPage({
      uid: details.uid,
      clientId,
      clientName,
      redirect,
      email: login.member.email,
      scopes: scopes.filter(({ name }) => asks.includes(name)),
    });
  });

  app.post<{ Params: { uid: string } }>("/oauth/consent/:uid", async (request, reply) => {
    if (!isSameOrigin(request.headers, publicUrl())) {
      throw new FlowstateError("FS_FORBIDDEN", "this form was sent from another site");
    }
    const { details, clientId, clientName } = await asked(request, reply);
    const login = await loginOf(request);
    if (login === null) return reply.redirect("/sign-in", 303);
    const agreed = new URLSearchParams(String(request.body)).get("decision") === "allow";
    const { orgId, email } = login.member;
    await store.transact((db) =>
      recordAudit(db, {
        orgId,
        at: clock.now(),
        actor: email,
        action: agreed ? "oauth_client.allowed" : "oauth_client.refused",
        target: clientName.slice(0, 200),
        detail: clientId.slice(0, 500),
      }),
    );
    const result = agreed
      ? {
          login: { accountId: accountIdOf(login.member), remember: false },
          consent: { grantId: await grant(server(), accountIdOf(login.member), clientId, details.params) },
        }
      : { error: "access_denied", error_description: "the person did not agree" };
    return reply.redirect(
      await server().interactionResult(request.raw, reply.raw, result, { mergeWithLastSubmission: false }),
      303,
    );
  });
}

async function grant(
  provider: Provider,
  accountId: string,
  clientId: string,
  { resource, scope }: Readonly<Record<string, unknown>>,
): Promise<string> {
  const given = new provider.Grant({ accountId, clientId });
  const scopes = typeof scope === "string" ? scope : readScope.name;
  const resources = Array.isArray(resource) ? resource : [resource];
  given.addOIDCScope(scopes);
  for (const each of resources) if (typeof each === "string") given.addResourceScope(each, scopes);
  return given.save();
}

function registrationOf(text: string): string {
  try {
    return JSON.stringify(normaliseRegistration(JSON.parse(text)));
  } catch {
    return "{}";
  }
}
