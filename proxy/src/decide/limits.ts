import type { Limits } from "@flowstate/shared/wire/policy";
import type { Identity } from "../auth/authenticate.ts";
import type { Refusal } from "../reply.ts";

/** A place that an open tunnel holds until it is given back. */
export interface Slot {
  /** Milliseconds that so many bytes have to wait; null where no bandwidth is limited. */
  readonly pace: ((bytes: number) => number) | null;
  /** Gives the place back; more than once does no harm. */
  release(): void;
}

export type Taking =
  | { readonly kind: "taken"; readonly slot: Slot }
  | { readonly kind: "full"; readonly refusal: Refusal };

export interface ScopedLimits {
  readonly perSubject: Limits;
  readonly perOrganisation: Limits;
}

/** Counts open tunnels, new tunnels and bytes per subject, per organisation and in all. */
export interface Limiter {
  take(identity: Identity, limits: ScopedLimits): Taking;
  /** Open tunnels per scope, for the other workers. */
  open(): Readonly<Record<string, number>>;
  /** What the other workers hold open, by the same names. */
  others(open: Readonly<Record<string, number>>): void;
}

export interface LimiterOptions {
  /** For this proxy as a whole. */
  readonly global: Limits;
  /** Rates are shared out evenly among so many workers. */
  readonly workers?: number;
  readonly now: () => number;
}

interface Bucket {
  level: number;
  at: number;
}

interface Scope {
  open: number;
  readonly started: Bucket;
  readonly bytes: Bucket;
}

const retrySeconds = 1;
const leastBurstBytes = 64 << 10;
const mostIdleScopes = 10_000;

export function createLimiter({ global, workers = 1, now }: LimiterOptions): Limiter {
  const scopes = new Map<string, Scope>();
  let elsewhere: Readonly<Record<string, number>> = {};
  const scopeOf = (name: string): Scope => {
    let scope = scopes.get(name);
    if (scope === undefined) {
      if (scopes.size >= mostIdleScopes) forgetIdle(scopes);
      scope = { open: 0, started: { level: 0, at: 0 }, bytes: { level: 0, at: 0 } };
      scopes.set(name, scope);
    }
    return scope;
  };
  return {
    take({ orgId, subject }, { perSubject, perOrganisation }) {
      const asked = [
        { name: `subject ${orgId} ${subject}`, limits: perSubject, refusal: fullSubject },
        { name: `organisation ${orgId}`, limits: perOrganisation, refusal: fullOrganisation },
        { name: "proxy", limits: global, refusal: fullProxy },
      ].map((one) => ({ ...one, scope: scopeOf(one.name) }));
      const at = now();
      for (const { name, limits, scope, refusal } of asked) {
        const open = scope.open + (elsewhere[name] ?? 0);
        if (limits.tunnels !== null && open >= limits.tunnels) return { kind: "full", refusal };
        const rate = limits.newTunnelsPerSecond;
        if (rate !== null && levelAt(scope.started, rate / workers, at) + 1 > Math.max(1, rate / workers))
          return { kind: "full", refusal };
      }
      for (const { scope, limits } of asked) {
        scope.open += 1;
        if (limits.newTunnelsPerSecond !== null)
          pour(scope.started, 1, limits.newTunnelsPerSecond / workers, at);
      }
      const paced = asked.flatMap(({ scope, limits: { bytesPerSecond } }) =>
        bytesPerSecond === null ? [] : [{ bucket: scope.bytes, rate: bytesPerSecond / workers }],
      );
      let held = true;
      const slot: Slot = {
        pace:
          paced.length === 0
            ? null
            : (bytes) => Math.max(...paced.map(({ bucket, rate }) => waitFor(bucket, bytes, rate, now()))),
        release() {
          if (held) for (const { scope } of asked) scope.open -= 1;
          held = false;
        },
      };
      return { kind: "taken", slot };
    },
    open: () =>
      Object.fromEntries(
        [...scopes].filter(([, { open }]) => open > 0).map(([name, { open }]) => [name, open]),
      ),
    others(open) {
      elsewhere = open;
    },
  };
}

/** How full a leaking bucket is: what was poured in, less what has run out since at `rate` a second. */
function levelAt({ level, at }: Bucket, rate: number, now: number): number {
  return Math.max(0, level - ((now - at) / 1000) * rate);
}

function pour(bucket: Bucket, amount: number, rate: number, now: number): void {
  bucket.level = levelAt(bucket, rate, now) + amount;
  bucket.at = now;
}

/** Pours bytes in and says how long until the bucket has no more in it than one second (or one large read) brings. */
function waitFor(bucket: Bucket, bytes: number, rate: number, now: number): number {
  pour(bucket, bytes, rate, now);
  const over = bucket.level - Math.max(rate, leastBurstBytes);
  return over <= 0 ? 0 : (over / rate) * 1000;
}

function forgetIdle(scopes: Map<string, Scope>): void {
  for (const [name, { open }] of scopes) if (open === 0) scopes.delete(name);
}

const fullSubject: Refusal = {
  status: 429,
  error: "http_request_denied",
  text: "you have as many tunnels as your organisation allows; try again in a moment",
  retryAfterSeconds: retrySeconds,
};
const fullOrganisation: Refusal = {
  ...fullSubject,
  text: "your organisation has as many tunnels as it allows; try again in a moment",
};
const fullProxy: Refusal = {
  status: 503,
  error: "connection_limit_reached",
  text: "the proxy carries as much as it may; try again in a moment",
  retryAfterSeconds: retrySeconds,
};
