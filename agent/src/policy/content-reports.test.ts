/** What is told of what content rules find. */
import test from "ava";
import * as v from "valibot";
import { contentEvent, type ContentCounts } from "@flowstate/shared/wire/content";
import { createContentReports } from "./content-reports.ts";

const at = Date.parse("2026-11-20T09:30:00Z");
const call = {
  provider: "anthropic",
  host: "api.anthropic.com",
  model: "claude-sonnet-4-5",
  tool: { tool: "claude-code", version: "2.0.1", sessionId: "s1" },
};
const broken = (found: ContentCounts, rule = "No secrets", by: "request" | "answer" = "request") => ({
  by,
  rule,
  action: "BLOCK" as const,
  enforced: true,
  found,
});

/** An outbox that keeps what it is given, or is full. */
function outbox(isFull = false) {
  const bodies: string[] = [];
  return {
    bodies,
    append(more: readonly string[]) {
      if (isFull) throw new Error("full");
      bodies.push(...more);
    },
  };
}

test("requests that are alike are one report, with the most that one of them held", (t) => {
  const reports = createContentReports();
  reports.note(call, broken({ secret: 1, email_address: 3 }), at);
  reports.note(call, broken({ secret: 2 }), at + 5000);
  reports.note(call, broken({}, "Other rule"), at);
  reports.note({ ...call, model: null }, broken({ phrase: 1 }), at);
  reports.note({ ...call, model: null }, broken({ phrase: 2 }, "No secrets", "answer"), at);
  const { bodies, append } = outbox();
  reports.tell({ append });
  const told = bodies.map((body, seq) => v.parse(contentEvent, { ...(JSON.parse(body) as object), seq }));
  t.deepEqual(
    told.map(({ kind, model, requests, found, occurredAt }) => ({
      kind,
      model,
      requests,
      found,
      occurredAt,
    })),
    [
      {
        kind: "content",
        model: "claude-sonnet-4-5",
        requests: 2,
        found: { secret: 2, email_address: 3 },
        occurredAt: "2026-11-20T09:30:05.000Z",
      },
      {
        kind: "content",
        model: null,
        requests: 1,
        found: { phrase: 1 },
        occurredAt: "2026-11-20T09:30:00.000Z",
      },
      {
        kind: "answer",
        model: null,
        requests: 1,
        found: { phrase: 2 },
        occurredAt: "2026-11-20T09:30:00.000Z",
      },
    ],
  );
  reports.tell({ append });
  t.is(bodies.length, 3, "it is told once");
});

test("what a full outbox does not take is told later", (t) => {
  const reports = createContentReports();
  reports.note(call, broken({ secret: 1 }), at);
  t.throws(() => reports.tell(outbox(true)), { message: "full" });
  const later = outbox();
  reports.tell(later);
  t.is(later.bodies.length, 1);
});
