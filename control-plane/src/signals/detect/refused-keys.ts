import { periodBounds, periodOf, type Period } from "@flowstate/shared/time";
import type { RefusalReason } from "@flowstate/shared/wire/meter";
import type { Detector, Finding } from "../finding.ts";
import { magnitude } from "../figures.ts";
import type { SignalSeverity, SignalType } from "../types.ts";

interface RefusalRule {
  readonly type: SignalType;
  /** Refusals in a month from which there is a signal. */
  readonly least: number;
  readonly severityOf: (refusals: number) => SignalSeverity;
}

/** A device with a forgotten key tries on and on; a rotation alone makes a few of the revoked ones. */
const rules: Partial<Record<RefusalReason, RefusalRule>> = {
  clear_text: { type: "credential_in_clear_text", least: 1, severityOf: () => "WARN" },
  revoked_key: {
    type: "key_misuse_detected",
    least: 10,
    severityOf: (refusals) => (refusals >= 1000 ? "WARN" : "INFO"),
  },
  unknown_key: {
    type: "key_misuse_detected",
    least: 10,
    severityOf: (refusals) => (refusals >= 100 ? "WARN" : "INFO"),
  },
};

/** Refused credentials are counted by month and reason, so each tenfold of a month's count is an occurrence. */
export const refusedKeys: Detector = {
  types: ["credential_in_clear_text", "key_misuse_detected"],
  cadence: "soon",
  async find({ db, orgId, from, to, now }) {
    const rows = await db
      .selectFrom("refused_credentials")
      .select(["period", "reason", "refusals"])
      .where("org_id", "=", orgId)
      .where("period", ">=", periodOf(from))
      .where("period", "<=", periodOf(to))
      .execute();
    return rows.flatMap(({ period, reason, refusals }) =>
      judgeRefusals(period as Period, reason, Number(refusals), now),
    );
  },
};

/** The signal, if any, of a month's count of one reason. */
export function judgeRefusals(
  period: Period,
  reason: RefusalReason,
  refusals: number,
  now: number,
): readonly Finding[] {
  const rule = rules[reason];
  if (rule === undefined || refusals < rule.least) return [];
  return [
    {
      type: rule.type,
      severity: rule.severityOf(refusals),
      subject: null,
      sessionId: null,
      service: null,
      about: reason,
      occurrence: `${period} ${magnitude(refusals)}`,
      at: Math.min(now, periodBounds(period).to - 1),
      evidence: { reason, month: period, refusals },
    },
  ];
}
