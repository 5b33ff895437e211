/**
 * `node control-plane/bench/signals.bench.ts`: how well signals tell incidents from ordinary work, by the truth of made
 * organisations that know nothing of the detectors, and how long a night of 5,000 people and ten million calls takes.
 */
import { join } from "node:path";
import { newOrgId } from "@flowstate/shared/ids";
import { temporaryFolder } from "@flowstate/shared/testing/temp";
import { createOrg } from "../src/orgs/orgs.ts";
import { runDetectors } from "../src/signals/run.ts";
import { openStore } from "../src/store/open.ts";
import { hurriedClock } from "../test/support/clock.ts";
import { makeOrganisation } from "../test/support/incidents.ts";
import { judgeSignals, type TypeScore } from "../test/support/judge-signals.ts";
import { tellOrganisation } from "../test/support/tell-incidents.ts";

const organisations = Number(process.argv[2] ?? 20);
const from = Number(process.argv[3] ?? 100);
const people = 60;
const now = Date.parse("2026-11-20T12:00:00Z");
const clock = hurriedClock(now);

using folder = temporaryFolder();
await using store = await openStore({ kind: "sqlite", file: join(folder.path, "control-plane.db") });
const scores: TypeScore[] = [];
for (let seed = from; seed < from + organisations; seed += 1) {
  const orgId = newOrgId();
  await store.transact((db) => createOrg(db, { orgId, slug: `made-${seed}`, now }));
  const made = makeOrganisation(seed, people, now);
  await tellOrganisation(store, orgId, made, now);
  await runDetectors({ store, clock }, orgId);
  const judged = await judgeSignals(store, orgId, made.truth);
  for (const each of judged)
    if (each.wrong.length + each.missed.length > 0)
      console.log(seed, each.type, "missed", each.missed, "wrong", each.wrong);
  scores.push(...judged);
}
const say = (cells: readonly (string | number)[]): void =>
  void process.stdout.write(
    `${cells.map((cell, index) => (index === 0 ? String(cell).padEnd(32) : String(cell).padStart(10))).join("")}\n`,
  );
say(["type", "made", "found", "precision", "recall"]);
for (const [type, own] of [...Map.groupBy(scores, (score) => score.type), ["all", scores] as const]) {
  const sum = (count: (score: TypeScore) => number): number =>
    own.reduce((total, score) => total + count(score), 0);
  const [made, found, right] = [sum((s) => s.made), sum((s) => s.found), sum((s) => s.right)];
  const wrong = sum((s) => s.wrong.length);
  say([
    type,
    made,
    found,
    (1 - wrong / Math.max(1, found)).toFixed(3),
    (right / Math.max(1, made)).toFixed(3),
  ]);
}
