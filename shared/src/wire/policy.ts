import { z } from "zod";

/**
 * Where an organisation's devices may go. A rule is a host in canonical form, `*.suffix` (which does not match the
 * suffix itself), or an address literal; `ports` narrows it. An explicit allow beats a deny, a deny beats the mode.
 */
export const destinationRule = z.object({
  host: z.string().min(1).max(255),
  ports: z.array(z.number().int().min(1).max(65_535)).optional(),
});

/** open: all but denied; report: as open, but what enforce would refuse is marked; enforce: only what is allowed. */
export const destinationMode = z.enum(["open", "report", "enforce"]);

/**
 * What a rule of the organisation's policy says of AI services. `allow` refuses every AI host that is not listed and
 * leaves other destinations alone; `deny` refuses what is listed.
 */
export const serviceRule = z.object({
  /** As people see it who are refused. */
  name: z.string().max(100),
  list: z.enum(["allow", "deny"]),
  /** Provider slugs, as the table of AI hosts has them. */
  providers: z.array(z.string()).max(500),
  hosts: z.array(destinationRule).max(500),
  /** False: what it would refuse passes and is marked. */
  enforce: z.boolean(),
});

export const destinationPolicy = z.object({
  mode: destinationMode,
  /** Hosts of the AI catalogue count as allowed, and in `enforce` mode nothing else does unless a rule says so. */
  aiOnly: z.boolean(),
  allow: z.array(destinationRule).max(10_000),
  deny: z.array(destinationRule).max(10_000),
  /** Every one of them holds, whatever the mode; only an explicit allow beats them. */
  services: z.array(serviceRule).max(200).optional(),
});

/** Null means unlimited. */
export const limits = z.object({
  tunnels: z.number().int().positive().nullable(),
  newTunnelsPerSecond: z.number().positive().nullable(),
  bytesPerSecond: z.number().int().positive().nullable(),
});

/** Requests a subject may make in a calendar month. report: the excess is counted as overage units; enforce: it is refused. */
export const quotaPolicy = z.object({
  mode: z.enum(["report", "enforce"]),
  defaultRequests: z.number().int().positive().nullable(),
});

export const proxyPolicy = z.object({
  destinations: destinationPolicy,
  /** Policies for named groups of subjects; the first group that holds the subject wins over the organisation's. */
  groups: z
    .array(z.object({ name: z.string(), subjects: z.array(z.string()), destinations: destinationPolicy }))
    .max(10_000),
  perSubject: limits,
  perOrganisation: limits,
  quota: quotaPolicy,
  /** What happens to open tunnels that a new policy would refuse. */
  existingTunnels: z.enum(["keep", "close"]),
});

export type DestinationRule = z.infer<typeof destinationRule>;
export type DestinationPolicy = z.infer<typeof destinationPolicy>;
export type ServiceRule = z.infer<typeof serviceRule>;
export type Limits = z.infer<typeof limits>;
export type ProxyPolicy = z.infer<typeof proxyPolicy>;

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
