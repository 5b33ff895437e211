import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { isFlowstateError } from "@flowstate/shared/errors";
import { orgId as storedOrgId, type OrgId } from "@flowstate/shared/ids";
import type { Events } from "../../events.ts";
import { listOrgs } from "../../orgs/orgs.ts";
import type { MasterKey } from "../../secrets/master-key.ts";
import { parseNext, signInBrowser, type BrowserDependencies } from "../browser.ts";
import { deriveFlowKey, flowCookie, flowValue, newFlow, readFlow, spendFlow, type Flow } from "../flow.ts";
import { providerPage } from "../pages.ts";
import { admitAttempt, forgive, type Attempt } from "../throttle.ts";
import { admitPerson, refusals, type Admittance } from "./admit.ts";
import type { OidcClient, Ties } from "./client.ts";
import { callbackPath, redirectUriOf } from "./redirect-uri.ts";
import { readClientSecret, readOidcSettings } from "./settings.ts";

export interface OidcDependencies extends BrowserDependencies {
  readonly events: Events;
  readonly master: MasterKey;
  readonly oidc: OidcClient;
}

/** Shows the sign-in page once more, with a sentence on why. */
export type ShowAgain = (reply: FastifyReply, notice: string, next: string | null) => Promise<FastifyReply>;

interface Asked {
  readonly Querystring: { readonly organisation?: string; readonly next?: string };
}

/** Signing in at the organisation's identity provider: there, and back. */
export function addOidc(app: FastifyInstance, dependencies: OidcDependencies, showAgain: ShowAgain): void {
  const { store, clock, events, master, oidc, publicUrl } = dependencies;
  const key = deriveFlowKey(master.pepper);
  const tiesOf = (flow: Flow): Ties => ({
    redirectUri: redirectUriOf(publicUrl()),
    state: flowValue(flow, "state", key),
    nonce: flowValue(flow, "nonce", key),
    verifier: flowValue(flow, "verifier", key),
  });
  const settingsOf = async (slug: string | undefined) => {
    const org = (await listOrgs(store.reader)).find((each) => each.slug === slug);
    const settings = org === undefined ? null : await readOidcSettings(store.reader, org.orgId);
    return org === undefined || settings === null ? null : { org, settings };
  };
  const noProvider = "This organisation has no identity provider here.";

  // A form must not lead on to another origin (form-action), so that where it asks for the organisation a link follows.
  app.get<Asked>("/sign-in/oidc", async ({ query }, reply) => {
    const next = parseNext(query.next);
    const found = await settingsOf(query.organisation);
    if (found === null) return showAgain(reply.code(404), noProvider, next);
    return providerPage(found.org.slug, found.settings.issuer, next);
  });

  app.get<Asked>("/sign-in/oidc/start", async ({ query }, reply) => {
    const next = parseNext(query.next);
    const found = await settingsOf(query.organisation);
    if (found === null) return showAgain(reply.code(404), noProvider, next);
    const flow = newFlow({ kind: "oidc", about: found.org.orgId, next }, clock.now());
    try {
      const url = await oidc.authorizationUrl(found.settings, tiesOf(flow));
      void reply.header("set-cookie", flowCookie(flow, key, publicUrl()));
      return await reply.redirect(url.href, 303);
    } catch (error) {
      if (!isFlowstateError(error) || error.code !== "FS_UPSTREAM") throw error;
      events.identityProviderFailed(error.message);
      return showAgain(reply.code(502), "Your identity provider cannot be asked at the moment.", next);
    }
  });

  app.get(callbackPath, async (request, reply) => {
    const now = clock.now();
    const flow = readFlow(request.headers.cookie, "oidc", { key, publicUrl: publicUrl(), now });
    const about = flow?.about ?? null;
    if (flow === null || about === null) {
      return showAgain(reply.code(401), "This took too long or began in another browser. Try again.", null);
    }
    const outcome = await finish(request, flow, storedOrgId(about));
    events.signInTried(outcome.kind === "admitted" ? "signed_in" : outcome.kind);
    switch (outcome.kind) {
      case "admitted": {
        const signedIn = { member: outcome.member, by: "oidc", next: flow.next } as const;
        return reply.redirect(await signInBrowser(request, reply, dependencies, signedIn), 303);
      }
      case "refused":
        return showAgain(reply.code(403), refusals[outcome.reason], flow.next);
      case "throttled":
        void reply.header("retry-after", String(outcome.retryAfterSeconds));
        return showAgain(reply.code(429), "Too many attempts. Try again later.", flow.next);
      default:
        return showAgain(
          reply.code(401),
          "Your identity provider did not sign you in. Try again.",
          flow.next,
        );
    }
  });

  const finish = async (request: FastifyRequest, flow: Flow, orgId: OrgId): Promise<Outcome> => {
    const now = clock.now();
    const attempt: Attempt = { orgId, email: null, address: request.ip, now };
    const { admission, unspent } = await store.transact(async (db) => ({
      admission: await admitAttempt(db, attempt),
      unspent: await spendFlow(db, flow, now),
    }));
    if (!admission.ok) return { kind: "throttled", retryAfterSeconds: admission.retryAfterSeconds };
    const settings = await readOidcSettings(store.reader, orgId);
    const secret = await readClientSecret(store.reader, orgId, master);
    if (!unspent || settings === null || secret === null) return { kind: "wrong" };
    const callback = new URL(request.url, publicUrl());
    const identified = await oidc.identify(settings, secret, callback, tiesOf(flow));
    if (identified.kind === "failed") {
      events.identityProviderFailed(identified.detail);
      return { kind: "wrong" };
    }
    return store.transact(async (db) => {
      await forgive(db, attempt);
      return admitPerson(db, orgId, settings, identified.person, now);
    });
  };
}

type Outcome =
  | Admittance
  | { readonly kind: "wrong" }
  | { readonly kind: "throttled"; readonly retryAfterSeconds: number };
