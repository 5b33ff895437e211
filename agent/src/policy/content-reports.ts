import type { Outbox } from "@flowstate/shared/outbox/outbox";
import type { ContentCounts, ContentEvent, ContentKind } from "@flowstate/shared/wire/content";
import type { PendingCall } from "../observe/intercept/exchange.ts";
import type { Broken } from "./evaluate.ts";

/** What leaves the machine: how many requests or answers held how much of what kind, and not a word of them. */
export type ContentReport = Omit<ContentEvent, "seq">;

/** Collects what content rules find until it is told. */
export interface ContentReports {
  note(call: Pick<PendingCall, "provider" | "host" | "model" | "tool">, broken: Broken, at: number): void;
  /** Puts what was found since the last time into the outbox, one report for all requests that are alike. It stays here where that fails. */
  tell(outbox: Pick<Outbox, "append">): void;
}

/** More kinds of requests than these between two tellings are no person's work; what is beyond them is not told. */
const mostAtOnce = 1000;

export function createContentReports(): ContentReports {
  let reports = new Map<string, ContentReport>();
  return {
    note({ provider, host, model, tool: { tool, sessionId } }, { by, rule, action, enforced, found }, at) {
      if (Object.keys(found).length === 0) return;
      const kind: ContentReport["kind"] = by === "answer" ? "answer" : "content";
      const alike = { kind, sessionId, provider, host, tool, model, rule, action, enforced };
      const key = JSON.stringify(alike);
      const before = reports.get(key);
      if (before === undefined && reports.size >= mostAtOnce) return;
      reports.set(key, {
        occurredAt: new Date(at).toISOString(),
        ...alike,
        requests: (before?.requests ?? 0) + 1,
        found: before === undefined ? found : larger(before.found, found),
      });
    },
    tell(outbox) {
      if (reports.size === 0) return;
      outbox.append(Array.from(reports.values(), (report) => JSON.stringify(report)));
      reports = new Map();
    },
  };
}

function larger(a: ContentCounts, b: ContentCounts): ContentCounts {
  const kinds = Object.keys({ ...a, ...b }) as ContentKind[];
  return Object.fromEntries(kinds.map((kind) => [kind, Math.max(a[kind] ?? 0, b[kind] ?? 0)]));
}
