import type { Clock } from "@flowstate/shared/clock";
import type { HostPort } from "@flowstate/shared/net/host-port";
import type { Subject } from "@flowstate/shared/subject";
import { authenticate, type Authentication, type Identity } from "./auth/authenticate.ts";
import type { Keyring } from "./auth/keyring.ts";
import type { Throttle } from "./auth/throttle.ts";
import type { Limiter, Slot } from "./decide/limits.ts";
import { decideDestination } from "./decide/rules.ts";
import type { Outcome } from "./events.ts";
import type { RefusalCounter } from "./meter/refusals.ts";
import type { Refusal } from "./reply.ts";

export interface AdmissionOptions {
  readonly keyring: Keyring;
  readonly throttle: Throttle;
  readonly refusals: RefusalCounter;
  readonly limiter: Limiter;
  readonly ports: ReadonlySet<number> | "any";
  readonly clock: Clock;
}

/** Who asks, and for what. */
export interface Ask {
  /** The Proxy-Authorization field. */
  readonly credential: string | undefined;
  /** The person in the connection's client certificate. */
  readonly certified: Subject | null;
  readonly client: string | null;
  readonly to: HostPort;
}

/** What stands between a well-formed request and its target. */
export type Admission = Admitted | Refused;

export interface Admitted {
  readonly kind: "admitted";
  readonly identity: Identity;
  readonly wouldDeny: boolean;
  /** Over the monthly quota, where the policy lets it pass. */
  readonly overQuota: boolean;
  /** To be released once the tunnel or request is over. */
  readonly slot: Slot;
}

interface Refused {
  readonly kind: "refused";
  readonly refusal: Refusal;
  readonly outcome: Outcome;
  readonly identity: Identity | null;
}

const newKeyMs = 1500;
const newKeyStepMs = 50;

/** Authentication, policy and limits: everything that is decided before a name is resolved. */
export async function admit(ask: Ask, options: AdmissionOptions): Promise<Admission> {
  const { keyring, clock } = options;
  const revision = keyring.revision;
  let authentication = authenticate(ask.credential, ask.certified, keyring);
  if (authentication.kind === "challenge" && authentication.mayBeNew) {
    await newerSnapshot(keyring, revision, clock);
    authentication = authenticate(ask.credential, ask.certified, keyring);
  }
  switch (authentication.kind) {
    case "not_ready":
      return refused("not_ready", null, {
        status: 503,
        error: "proxy_internal_error",
        text: keyring.stale
          ? "the proxy has not heard from the control plane for too long"
          : "the proxy has not yet received its keys from the control plane",
        retryAfterSeconds: 5,
      });
    case "challenge":
      return challenge(authentication, ask, options);
    case "identified":
      return decide(authentication.identity, ask.to, options);
  }
}

/** Somebody who has just been given a key is faster than its way here: an unknown key waits for a newer snapshot, briefly. */
async function newerSnapshot(keyring: Keyring, revision: number | null, clock: Clock): Promise<void> {
  for (let waitedMs = 0; waitedMs < newKeyMs && keyring.revision === revision; waitedMs += newKeyStepMs) {
    await clock.sleep(newKeyStepMs);
  }
}

async function challenge(
  { reason, hint, keyHint }: Extract<Authentication, { kind: "challenge" }>,
  { client }: Ask,
  { refusals, throttle, clock }: AdmissionOptions,
): Promise<Refused> {
  refusals.note(reason);
  if (keyHint !== null) {
    const { delayMs, refuse } = throttle.wrong(client ?? "", keyHint);
    if (delayMs > 0) await clock.sleep(delayMs);
    if (refuse) {
      const text = "too many attempts with a key that is not active";
      return refused("throttled", null, {
        status: 429,
        error: "http_request_denied",
        text,
        retryAfterSeconds: 10,
      });
    }
  }
  return refused("challenged", null, { status: 407, error: null, text: hint });
}

function decide(identity: Identity, to: HostPort, { keyring, limiter, ports }: AdmissionOptions): Admission {
  const deny = (text: string): Refused =>
    refused("http_request_denied", identity, { status: 403, error: "http_request_denied", text });
  if (ports !== "any" && !ports.has(to.port)) return deny(`port ${to.port} is not allowed here`);
  const policy = keyring.policyOf(identity.orgId);
  const destination = decideDestination(policy, identity.subject, to);
  if (!destination.allowed) {
    const rule = destination.rule === undefined ? "" : `: ${destination.rule}`;
    return deny(`${to.host} is not allowed by your organisation's policy${rule}`);
  }
  const overQuota = keyring.isOverQuota(identity.orgId, identity.subject);
  if (overQuota && policy.quota.mode === "enforce")
    return deny("your organisation's monthly quota for you is used up");
  const taking = limiter.take(identity, policy);
  if (taking.kind === "full") return refused("limited", identity, taking.refusal);
  return { kind: "admitted", identity, wouldDeny: destination.wouldDeny, overQuota, slot: taking.slot };
}

function refused(outcome: Outcome, identity: Identity | null, refusal: Refusal): Refused {
  return { kind: "refused", outcome, identity, refusal };
}
