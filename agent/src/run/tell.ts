import { hash } from "node:crypto";
import { setImmediate as breathe } from "node:timers/promises";
import type { Outbox } from "@flowstate/shared/outbox/outbox";
import { projectOf } from "../attribute/project.ts";
import type { Ledger } from "../ledger/ledger.ts";
import { eventOf } from "./event.ts";

/** Between so many calls everything else gets its turn: the first look at a machine finds months of them. */
const mostAtOnce = 100;

/**
 * Puts calls that have changed, and have been left alone for a while, into the outbox. A call is in the outbox before
 * the ledger says so: whoever dies between tells it again, under the same revision. Throws what SQLite says, and
 * FS_UNAVAILABLE where the outbox is full; the calls stay in the ledger.
 */
export async function tell(
  ledger: Ledger,
  outbox: Outbox,
  { now, holdMs }: { readonly now: () => number; readonly holdMs: number },
  signal: AbortSignal,
): Promise<void> {
  const projects = new Map<string, string | null>();
  const projectName = (cwd: string): string | null => {
    const known = projects.get(cwd);
    if (known !== undefined) return known;
    const { name } = projectOf(cwd);
    projects.set(cwd, name);
    return name;
  };
  while (!signal.aborted) {
    const due = ledger.calls.due(now(), holdMs, mostAtOnce);
    if (due.length === 0) return;
    const told = due.map(({ id, call, revision, told: before }) => {
      const event = eventOf(call, projectName);
      const { tool, project, occurredAt } = event;
      const sessionId =
        event.sessionId ??
        ledger.calls.sessionFor(id, { tool, project: project ?? "", occurredAt: Date.parse(occurredAt) });
      const body = { ...event, sessionId };
      const digest = hash("sha256", JSON.stringify(body), "hex");
      return { id, digest, fresh: digest !== before, revision, body };
    });
    const fresh = told.filter((one) => one.fresh);
    outbox.append(fresh.map(({ body, revision }) => JSON.stringify({ ...body, revision: revision + 1 })));
    ledger.transact(() => {
      for (const { id, digest, fresh: isFresh, revision } of told)
        ledger.calls.told(id, digest, isFresh ? revision + 1 : revision);
    });
    await breathe();
  }
}
