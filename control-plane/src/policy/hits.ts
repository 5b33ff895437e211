import type { OrgId } from "@flowstate/shared/ids";
import type { PolicyAction } from "@flowstate/shared/policy/document";
import { addDays, dateOf, dayMs } from "@flowstate/shared/time";
import type { PolicyHits } from "@flowstate/shared/wire/policy-hits";
import type { Reader, Writer } from "../store/open.ts";

/** Adds what a device says of rules that its calls broke. */
export async function takePolicyHits(
  db: Writer,
  { orgId, subject }: { readonly orgId: OrgId; readonly subject: string },
  told: readonly PolicyHits[],
): Promise<void> {
  for (const { occurredAt, version, rule, action, enforced, calls } of told) {
    const at = Date.parse(occurredAt);
    await db
      .insertInto("policy_hits")
      .values({
        org_id: orgId,
        day_at: at - (at % dayMs),
        version: BigInt(version),
        rule,
        subject,
        enforced: enforced ? 1n : 0n,
        action,
        calls: BigInt(calls),
        last_at: at,
      })
      .onConflict((on) =>
        on.columns(["org_id", "day_at", "version", "rule", "subject", "enforced"]).doUpdateSet((row) => ({
          calls: row("policy_hits.calls", "+", row.ref("excluded.calls")),
          last_at: row
            .case()
            .when("excluded.last_at", ">", row.ref("policy_hits.last_at"))
            .then(row.ref("excluded.last_at"))
            .else(row.ref("policy_hits.last_at"))
            .end(),
        })),
      )
      .execute();
  }
}

/** What one person's calls did to a rule. */
export interface PersonHits {
  readonly subject: string;
  readonly calls: bigint;
  /** Those on which the rule took effect; the others were only observed. */
  readonly enforcedCalls: bigint;
}

export interface RuleHits {
  readonly version: number;
  readonly rule: string;
  readonly action: PolicyAction;
  readonly calls: bigint;
  readonly enforcedCalls: bigint;
  readonly lastAt: number;
  /** The most calls first. */
  readonly people: readonly PersonHits[];
}

/** Rules that calls on devices broke in the last days, the newest version first, then the most often broken. */
export async function listPolicyHits(
  db: Reader,
  orgId: OrgId,
  { now, days }: { readonly now: number; readonly days: number },
): Promise<readonly RuleHits[]> {
  const rows = await db
    .selectFrom("policy_hits")
    .select(["version", "rule", "action", "subject", "enforced", "calls", "last_at"])
    .where("org_id", "=", orgId)
    .where("day_at", ">=", Date.parse(addDays(dateOf(now), 1 - days)))
    .orderBy("subject")
    .execute();
  const sum = (some: typeof rows): bigint => some.reduce((total, { calls }) => total + calls, 0n);
  const enforcedOf = (some: typeof rows): bigint => sum(some.filter(({ enforced }) => enforced === 1n));
  return [...Map.groupBy(rows, ({ version, rule }) => `${version}\n${rule}`).values()]
    .flatMap((own): readonly RuleHits[] => {
      const [first] = own;
      if (first === undefined) return [];
      const people = [...Map.groupBy(own, ({ subject }) => subject)].map(([subject, theirs]) => ({
        subject,
        calls: sum(theirs),
        enforcedCalls: enforcedOf(theirs),
      }));
      return [
        {
          version: Number(first.version),
          rule: first.rule,
          action: first.action,
          calls: sum(own),
          enforcedCalls: enforcedOf(own),
          lastAt: Math.max(...own.map(({ last_at }) => last_at)),
          people: people.sort((a, b) => descending(a.calls, b.calls)),
        },
      ];
    })
    .sort((a, b) => b.version - a.version || descending(a.calls, b.calls) || (a.rule < b.rule ? -1 : 1));
}

function descending(a: bigint, b: bigint): number {
  return a === b ? 0 : a > b ? -1 : 1;
}
