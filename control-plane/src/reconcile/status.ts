/** A billing row is in exactly one of these at any time. */
export const statuses = [
  "unreconciled",
  "suggested",
  "auto_matched",
  "confirmed",
  "written_off",
  "deferred",
] as const;
export type Status = (typeof statuses)[number];

export const actions = ["CONFIRM", "WRITE_OFF", "DEFER", "REOPEN"] as const;
export type Action = (typeof actions)[number];

/** Which action leads where; what is not here is refused. */
const moves: Readonly<Record<Status, Readonly<Partial<Record<Action, Status>>>>> = {
  unreconciled: { WRITE_OFF: "written_off", DEFER: "deferred" },
  suggested: { CONFIRM: "confirmed", WRITE_OFF: "written_off", DEFER: "deferred" },
  auto_matched: { CONFIRM: "confirmed", WRITE_OFF: "written_off", DEFER: "deferred" },
  confirmed: { REOPEN: "unreconciled" },
  written_off: { REOPEN: "unreconciled" },
  deferred: { REOPEN: "unreconciled" },
};

/** Where an action leads from a status, or null where it is not allowed. */
export function moveOf(from: Status, action: Action): Status | null {
  return moves[from][action] ?? null;
}

/** What a person may do with a row of that status, apart from reopening it. */
export function actionsOf(status: Status): readonly Exclude<Action, "REOPEN">[] {
  return (["CONFIRM", "WRITE_OFF", "DEFER"] as const).filter((action) => moveOf(status, action) !== null);
}

/** Decided by a person: no run of the matcher changes it. */
export function isDecided(status: Status): boolean {
  return status === "confirmed" || status === "written_off" || status === "deferred";
}
