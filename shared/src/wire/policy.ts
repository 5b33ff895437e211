import * as v from "valibot";
import { listOf } from "./list.ts";

const positive = v.pipe(v.number(), v.safeInteger(), v.minValue(1));

/**
 * Where an organisation's devices may go. A rule is a host in canonical form, `*.suffix` (which does not match the
 * suffix itself), or an address literal; `ports` narrows it. An explicit allow beats a deny, a deny beats the mode.
 */
export const destinationRule = v.object({
  host: v.pipe(v.string(), v.minCodePoints(1), v.maxCodePoints(255)),
  ports: v.optional(v.array(v.pipe(positive, v.maxValue(65_535)))),
});

/** open: all but denied; report: as open, but what enforce would refuse is marked; enforce: only what is allowed. */
export const destinationMode = v.picklist(["open", "report", "enforce"]);

/**
 * What a rule of the organisation's policy says of AI services. `allow` refuses every AI host that is not listed and
 * leaves other destinations alone; `deny` refuses what is listed.
 */
export const serviceRule = v.object({
  /** As people see it who are refused. */
  name: v.pipe(v.string(), v.maxCodePoints(100)),
  list: v.picklist(["allow", "deny"]),
  /** Provider slugs, as the table of AI hosts has them. */
  providers: listOf(v.string(), 500),
  hosts: listOf(destinationRule, 500),
  /** False: what it would refuse passes and is marked. */
  enforce: v.boolean(),
});

export const destinationPolicy = v.object({
  mode: destinationMode,
  /** Hosts of the AI catalogue count as allowed, and in `enforce` mode nothing else does unless a rule says so. */
  aiOnly: v.boolean(),
  allow: listOf(destinationRule, 10_000),
  deny: listOf(destinationRule, 10_000),
  /** Every one of them holds, whatever the mode; only an explicit allow beats them. */
  services: v.optional(listOf(serviceRule, 200)),
});

/** Null means unlimited. */
export const limits = v.object({
  tunnels: v.nullable(positive),
  newTunnelsPerSecond: v.nullable(v.pipe(v.number(), v.finite(), v.gtValue(0))),
  bytesPerSecond: v.nullable(positive),
});

/** Requests a subject may make in a calendar month. report: the excess is counted as overage units; enforce: it is refused. */
export const quotaPolicy = v.object({
  mode: v.picklist(["report", "enforce"]),
  defaultRequests: v.nullable(positive),
});

export const proxyPolicy = v.object({
  destinations: destinationPolicy,
  /** Policies for named groups of subjects; the first group that holds the subject wins over the organisation's. */
  groups: listOf(
    v.object({ name: v.string(), subjects: v.array(v.string()), destinations: destinationPolicy }),
    10_000,
  ),
  perSubject: limits,
  perOrganisation: limits,
  quota: quotaPolicy,
  /** What happens to open tunnels that a new policy would refuse. */
  existingTunnels: v.picklist(["keep", "close"]),
});

export type DestinationRule = v.InferOutput<typeof destinationRule>;
export type DestinationPolicy = v.InferOutput<typeof destinationPolicy>;
export type ServiceRule = v.InferOutput<typeof serviceRule>;
export type Limits = v.InferOutput<typeof limits>;
export type ProxyPolicy = v.InferOutput<typeof proxyPolicy>;

const unlimited: Limits = { tunnels: null, newTunnelsPerSecond: null, bytesPerSecond: null };

/** Until an organisation says otherwise: everything public is open and nothing is limited. */
export const defaultProxyPolicy: ProxyPolicy = {
  destinations: { mode: "open", aiOnly: false, allow: [], deny: [] },
  groups: [],
  perSubject: unlimited,
  perOrganisation: unlimited,
  quota: { mode: "report", defaultRequests: null },
  existingTunnels: "keep",
};
