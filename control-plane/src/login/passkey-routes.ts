import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { FlowstateError } from "@flowstate/shared/errors";
import { z } from "zod";
import type { Events, SignInOutcome } from "../events.ts";
import { memberOfAccount } from "../members/account.ts";
import type { Member } from "../members/members.ts";
import type { MasterKey } from "../secrets/master-key.ts";
import { findBrowserLogin, parseNext, signInBrowser, type BrowserDependencies } from "./browser.ts";
import { deriveFlowKey, flowCookie, flowValue, newFlow, readFlow, spendFlow, type Flow } from "./flow.ts";
import { isFresh } from "./logins.ts";
import { isHeldToOidc } from "./oidc/settings.ts";
import { passkeyScript } from "./pages.ts";
import {
  askForAny,
  askForNew,
  parseClaim,
  relyingPartyOf,
  verifyClaim,
  verifyNew,
  type RelyingParty,
} from "./passkey-ceremony.ts";
import { addPasskey, listPasskeys, requirePasskeyName, usePasskey } from "./passkeys.ts";
import { admitAttempt, forgive, type Attempt } from "./throttle.ts";

export interface PasskeyDependencies extends BrowserDependencies {
  readonly events: Events;
  readonly master: MasterKey;
}

const challengeName = "challenge";

/** What the script of our pages asks and sends, as JSON. */
export async function passkeyRoutes(app: FastifyInstance, dependencies: PasskeyDependencies): Promise<void> {
  const { store, clock, events, master, publicUrl } = dependencies;
  app.addContentTypeParser(
    "application/json",
    { parseAs: "string", bodyLimit: 64 << 10 },
    app.getDefaultJsonParser("error", "error"),
  );
  app.addHook("onRequest", async (_, reply) => void reply.type("application/json"));
  const key = deriveFlowKey(master.pepper);
  const begin = (reply: FastifyReply, flow: Flow): string => {
    void reply.header("set-cookie", flowCookie(flow, key, publicUrl()));
    return flowValue(flow, challengeName, key);
  };
  const flowOf = ({ headers }: FastifyRequest, kind: "passkey" | "new-passkey"): Flow | null =>
    readFlow(headers.cookie, kind, { key, publicUrl: publicUrl(), now: clock.now() });

  app.get("/sign-in/passkey.js", async (_, reply) =>
    reply
      .header("content-type", "text/javascript; charset=utf-8")
      .header("cache-control", "no-cache")
      .send(passkeyScript),
  );

  app.post("/sign-in/passkey/options", async (_, reply) => {
    const party = requireParty(publicUrl());
    return reply.send(await askForAny(party, begin(reply, newFlow({ kind: "passkey" }, clock.now()))));
  });

  app.post("/sign-in/passkey", async (request, reply) => {
    const { credential, next } = bodyOf(request);
    const outcome = await tryPasskey(dependencies, {
      sent: credential,
      party: requireParty(publicUrl()),
      flow: flowOf(request, "passkey"),
      key,
      address: request.ip,
    });
    events.signInTried(outcome.kind);
    if (outcome.kind === "signed_in") {
      const signedIn = { member: outcome.member, by: "passkey", next: parseNext(next) } as const;
      return { location: await signInBrowser(request, reply, dependencies, signedIn) };
    }
    if (outcome.kind === "throttled") {
      void reply.header("retry-after", String(outcome.retryAfterSeconds));
      throw new FlowstateError("FS_RATE_LIMITED", "Too many attempts. Try again later.");
    }
    if (outcome.kind === "refused") {
      throw new FlowstateError("FS_FORBIDDEN", "Your organisation signs in at its identity provider.");
    }
    throw new FlowstateError("FS_UNAUTHENTICATED", "This passkey does not sign you in here.");
  });

  const requireFresh = async (request: FastifyRequest): Promise<Member> => {
    const login = await findBrowserLogin(request, dependencies);
    if (isFresh(login, clock.now())) return login.member;
    throw new FlowstateError("FS_UNAUTHENTICATED", "Sign in again before you add a passkey.");
  };

  app.post("/account/passkeys/options", async (request, reply) => {
    const party = requireParty(publicUrl());
    const member = await requireFresh(request);
    const flow = newFlow({ kind: "new-passkey", about: member.memberId }, clock.now());
    const existing = await listPasskeys(store.reader, member);
    return reply.send(await askForNew(party, member, existing, begin(reply, flow)));
  });

  app.post("/account/passkeys", async (request) => {
    const party = requireParty(publicUrl());
    const member = await requireFresh(request);
    const { credential, name } = bodyOf(request);
    const called = requirePasskeyName(name ?? "");
    const flow = flowOf(request, "new-passkey");
    const passkey =
      flow?.about === member.memberId
        ? await verifyNew(credential, party, flowValue(flow, challengeName, key))
        : null;
    const added = await store.transact(async (db) => {
      if (flow === null || !(await spendFlow(db, flow, clock.now())) || passkey === null) return false;
      await addPasskey(db, member, { ...passkey, name: called }, clock.now());
      return true;
    });
    if (added) return { location: "/account" };
    throw new FlowstateError("FS_INPUT_INVALID", "The passkey could not be checked. Try once more.");
  });
}

type Outcome =
  | { readonly kind: "signed_in"; readonly member: Member }
  | { readonly kind: Exclude<SignInOutcome, "signed_in" | "throttled"> }
  | { readonly kind: "throttled"; readonly retryAfterSeconds: number };

interface Attempted {
  readonly sent: unknown;
  readonly party: RelyingParty;
  readonly flow: Flow | null;
  readonly key: Buffer;
  readonly address: string;
}

/** Each attempt at a member's passkey spends its challenge, whatever comes of it; one at nobody's writes nothing. */
async function tryPasskey(
  { store, clock }: PasskeyDependencies,
  { sent, party, flow, key, address }: Attempted,
): Promise<Outcome> {
  const now = clock.now();
  const claim = parseClaim(sent);
  const member = claim === null ? null : await memberOfAccount(store.reader, claim.accountId);
  if (claim === null || member === null || flow === null) return { kind: "wrong" };
  const attempt: Attempt = { orgId: member.orgId, email: null, address, now };
  const { admission, unspent } = await store.transact(async (db) => ({
    admission: await admitAttempt(db, attempt),
    unspent: await spendFlow(db, flow, now),
  }));
  if (!admission.ok) return { kind: "throttled", retryAfterSeconds: admission.retryAfterSeconds };
  const passkeys = await listPasskeys(store.reader, member);
  const passkey = passkeys.find(({ credentialId }) => credentialId === claim.credentialId);
  if (!unspent || passkey === undefined) return { kind: "wrong" };
  const proof = await verifyClaim(claim, passkey, party, flowValue(flow, challengeName, key));
  if (proof === null) return { kind: "wrong" };
  const used = await store.transact(async (db) => {
    if (!(await usePasskey(db, member, passkey, proof, now))) return false;
    await forgive(db, attempt);
    return true;
  });
  if (!used) return { kind: "wrong" };
  return (await isHeldToOidc(store.reader, member)) ? { kind: "refused" } : { kind: "signed_in", member };
}

const body = z.object({
  credential: z.unknown(),
  name: z.string().optional(),
  next: z.string().optional(),
});

function bodyOf({ body: sent }: FastifyRequest): z.infer<typeof body> {
  const parsed = body.safeParse(sent);
  if (parsed.success) return parsed.data;
  throw new FlowstateError("FS_INPUT_INVALID", "this takes a JSON object with the browser's `credential`");
}

function requireParty(publicUrl: URL): RelyingParty {
  const party = relyingPartyOf(publicUrl);
  if (party !== null) return party;
  throw new FlowstateError("FS_NOT_FOUND", "passkeys need a host name: set FLOWSTATE_PUBLIC_URL");
}
