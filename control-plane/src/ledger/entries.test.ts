import test from "ava";
import fc from "fast-check";
import type { NanoUsd } from "@flowstate/shared/money";
import { statuses } from "../reconcile/status.ts";
import { csvLine } from "./csv-line.ts";
import { entriesBetween, targetOf, type Entry } from "./entries.ts";

const total = (entries: readonly Entry[]): bigint => entries.reduce((sum, { amount }) => sum + amount, 0n);

const standing = fc
  .record({
    status: fc.constantFrom(...statuses),
    kind: fc.constantFrom("ANTHROPIC", "CSV_IMPORT", "GITHUB_COPILOT"),
    service: fc.constantFrom("anthropic-api", "github-copilot"),
    parts: fc.array(
      fc.record({
        subject: fc.option(fc.constantFrom("ada@example.com", "bob@example.com")),
        project: fc.option(fc.constantFrom("api", "web")),
        team: fc.option(fc.constantFrom("Platform")),
        costCentre: fc.option(fc.constantFrom("4100")),
        amount: fc.bigInt({ min: -(10n ** 12n), max: 10n ** 12n }).map((amount) => amount as NanoUsd),
      }),
      { minLength: 1, maxLength: 4 },
    ),
  })
  .map(({ status, kind, service, parts }) => {
    const amount = parts.reduce((sum, part) => sum + part.amount, 0n) as NanoUsd;
    return targetOf(status, { kind, service, amount }, parts);
  });

test("whatever a row goes through, every journal sums to zero and leads to where the row stands", (t) => {
  fc.assert(
    fc.property(fc.array(standing, { maxLength: 6 }), (way) => {
      const posted: Entry[] = [];
      for (const target of way) {
        const journal = entriesBetween(posted, target);
        t.is(total(journal), 0n);
        posted.push(...journal);
        t.deepEqual(entriesBetween(posted, target), []);
      }
    }),
  );
});

test("a row that nobody has decided has no entries", (t) => {
  const row = { kind: "ANTHROPIC", service: "anthropic-api", amount: 5n as NanoUsd };
  for (const status of ["unreconciled", "suggested", "auto_matched"] as const) {
    t.deepEqual(targetOf(status, row, []), []);
  }
});

test("accounts are named so that hledger and Beancount read them", (t) => {
  fc.assert(
    fc.property(standing, (entries) => {
      for (const { account } of entries) t.regex(account, /^[A-Z][A-Za-z]+(?::[A-Z][A-Za-z0-9-]*)+$/);
    }),
  );
});

test("a spreadsheet takes no text for a formula, and amounts stay numbers", (t) => {
  t.is(csvLine([{ text: '=HYPERLINK("x")' }, "-5", { text: null }, null]), '"\'=HYPERLINK(""x"")",-5,,\r\n');
});
