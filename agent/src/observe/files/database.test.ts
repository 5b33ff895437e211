/** Other programs' databases, read on from where reading stopped: the same calls as by reading all of it again. */
import { join } from "node:path";
import test from "ava";
import fc from "fast-check";
import { openSqlite, type Sqlite } from "@flowstate/shared/sqlite";
import { temporaryFolder } from "@flowstate/shared/testing/temp";
import { mergeSightings } from "../../normalise/merge.ts";
import type { Sighting } from "../../normalise/sighting.ts";
import { copilotRequest, copilotStore } from "../../../test/support/copilot-store.ts";
import { copilotCliStore } from "./copilot-cli.ts";
import { readDatabase } from "./database.ts";
import { opencode } from "./opencode.ts";

const start = Date.parse("2026-11-20T12:00:00Z");
const narrow = { rows: 2, ms: 5, mostAtOnce: 3 };

type Step =
  | { readonly kind: "add"; readonly importedAgoMs: number }
  | { readonly kind: "answer" | "remove"; readonly which: number }
  | { readonly kind: "compact" | "read" }
  | { readonly kind: "wait"; readonly ms: number };

const which = fc.nat({ max: 30 });
const reading = { weight: 3, arbitrary: fc.constant<Step>({ kind: "read" }) };
const waiting = {
  weight: 1,
  arbitrary: fc.integer({ min: 1, max: 20 }).map((ms): Step => ({ kind: "wait", ms })),
};
const answering = { weight: 4, arbitrary: which.map((row): Step => ({ kind: "answer", which: row })) };
/** Rows that are added with the time of long ago, as by an import; and rows that go, which may move the others. */
const imported = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.constantFrom(0, 0, 1_000_000).map((ago): Step => ({ kind: "add", importedAgoMs: ago })),
  },
  answering,
  reading,
  waiting,
);
const removed = fc.oneof(
  { weight: 6, arbitrary: fc.constant<Step>({ kind: "add", importedAgoMs: 0 }) },
  answering,
  { weight: 1, arbitrary: which.map((row): Step => ({ kind: "remove", which: row })) },
  { weight: 1, arbitrary: fc.constant<Step>({ kind: "compact" }) },
  reading,
  waiting,
  { weight: 1, arbitrary: fc.constantFrom(-1_000_000, 1_000_000).map((ms): Step => ({ kind: "wait", ms })) },
);
const histories = fc.oneof(
  fc.array(imported, { minLength: 5, maxLength: 60 }),
  fc.array(removed, { minLength: 5, maxLength: 60 }),
);

const layout = `CREATE TABLE message (id TEXT PRIMARY KEY, session_id TEXT, time_created INTEGER, time_updated INTEGER,
  data TEXT)`;

const dataOf = (at: number, output: number | null): string =>
  JSON.stringify({
    role: "assistant",
    modelID: "claude-x",
    providerID: "anthropic",
    time: { created: at },
    ...(output === null ? {} : { tokens: { input: 5, output, reasoning: 0, cache: { read: 0, write: 0 } } }),
  });

function gather(known: Map<string, Sighting>, sightings: Iterable<Sighting>): void {
  for (const sighting of sightings) {
    const before = known.get(sighting.callId);
    known.set(sighting.callId, before === undefined ? sighting : mergeSightings(before, sighting));
  }
}

function readAll(file: string, now: number): readonly Sighting[] {
  return [...readDatabase(opencode, file, null, now)].flatMap(({ sightings }) => sightings);
}

test("reading on gives what reading everything gives, whatever the owner does between two readings", (t) => {
  using folder = temporaryFolder();
  let run = 0;
  fc.assert(
    fc.property(histories, (history) => {
      const file = join(folder.path, `opencode-${(run += 1)}.db`);
      const db = openSqlite(file);
      db.exec(layout);
      const known = new Map<string, Sighting>();
      let state: string | null = null;
      let now = start;
      let added = 0;
      let counted = 0;
      const answered = new Set<number>();
      const readOn = (): void => {
        const all = readAll(file, now);
        for (const slice of readDatabase(opencode, file, state, now, narrow)) {
          gather(known, slice.sightings);
          state = slice.state;
          for (const { seen, blank } of slice.formats) {
            counted += seen;
            t.is(blank, 0);
          }
        }
        for (const sighting of all) {
          const found = known.get(sighting.callId);
          t.deepEqual(found === undefined ? null : mergeSightings(found, sighting), found ?? "missing");
        }
      };
      for (const step of history) {
        now += 1;
        switch (step.kind) {
          case "add": {
            const at = now - step.importedAgoMs;
            const output = step.importedAgoMs === 0 ? null : 7;
            if (output !== null) answered.add(added);
            db.prepare("INSERT INTO message VALUES (?, 's', ?, ?, ?)").run(
              `m${added}`,
              at,
              at,
              dataOf(at, output),
            );
            added += 1;
            break;
          }
          case "answer":
            if (step.which < added) answered.add(step.which);
            db.prepare("UPDATE message SET data = ?, time_updated = ? WHERE id = ?").run(
              dataOf(now, now - start + 2_000_000),
              now,
              `m${step.which}`,
            );
            break;
          case "remove":
            db.prepare("DELETE FROM message WHERE id = ?").run(`m${step.which}`);
            break;
          case "compact":
            db.exec("VACUUM");
            break;
          case "wait":
            now += step.ms;
            break;
          default:
            readOn();
        }
      }
      readOn();
      db.close();
      // Rows may go before they are read, and other rows get their numbers.
      const isKept = history.every(({ kind }) => kind !== "remove" && kind !== "compact");
      const isRenumbered = history.some(({ kind }) => kind === "compact");
      if (isKept) t.is(counted, answered.size);
      else t.true(isRenumbered || counted <= answered.size);
    }),
    { numRuns: 60 },
  );
});

function filled(file: string, rows: number): Sqlite {
  const db = openSqlite(file);
  db.exec(layout);
  const add = db.prepare("INSERT INTO message VALUES (?, 's', ?, ?, ?)");
  db.transaction(() => {
    for (let id = 0; id < rows; id += 1) {
      const at = start + id * 60_000;
      add.run(`m${id}`, at, at, dataOf(at, 9));
    }
  })();
  return db;
}

test("a large database is read in slices, and later only where it has changed", (t) => {
  using folder = temporaryFolder();
  const file = join(folder.path, "opencode.db");
  const db = filled(file, 3500);
  const now = start + 3500 * 60_000;
  const first = [...readDatabase(opencode, file, null, now)];
  t.deepEqual(
    first.map(({ sightings }) => sightings.length),
    [1000, 1000, 1000, 500],
  );
  const resumed = [...readDatabase(opencode, file, first[1]?.state ?? null, now)];
  t.is(resumed.flatMap(({ sightings }) => sightings).length, 200 + 1500);

  db.prepare("UPDATE message SET data = ?, time_updated = ? WHERE id = 'm5'").run(dataOf(now, 99), now);
  const later = [...readDatabase(opencode, file, first.at(-1)?.state ?? null, now + 1)];
  const outputs = later.flatMap(({ sightings }) => sightings.map(({ tokens }) => tokens.output));
  t.is(outputs.filter((output) => output === 99).length, 1);
  db.close();
});

const layouts: readonly (readonly [what: string, layout: string])[] = [
  ["no column for changes", "CREATE TABLE message (id TEXT PRIMARY KEY, session_id TEXT, data TEXT)"],
  [
    "no rowid",
    "CREATE TABLE message (id TEXT PRIMARY KEY, session_id TEXT, time_updated INTEGER, data TEXT) WITHOUT ROWID",
  ],
];

for (const [what, other] of layouts) {
  test(`a table of another layout is read whole each time: ${what}`, (t) => {
    using folder = temporaryFolder();
    const file = join(folder.path, "opencode.db");
    const db = openSqlite(file);
    db.exec(other);
    db.prepare("INSERT INTO message (id, data) VALUES ('m1', ?)").run(dataOf(start, 3));
    for (const output of [3, 4]) {
      db.prepare("UPDATE message SET data = ?").run(dataOf(start, output));
      const [slice] = readDatabase(opencode, file, "{}", start);
      t.is(slice?.sightings[0]?.tokens.output, output);
    }
    db.close();
  });
}

test("Copilot's store, to which rows are only added, is read on", (t) => {
  using folder = temporaryFolder();
  const file = join(folder.path, "session-store.db");
  const db = openSqlite(file);
  db.exec(copilotStore);
  let state: string | null = null;
  const read = (): number => {
    let found = 0;
    for (const slice of readDatabase(copilotCliStore, file, state, start, { ...narrow, rows: 1 })) {
      found += slice.sightings.length;
      state = slice.state;
    }
    return found;
  };
  for (let id = 1; id <= 10; id += 1) db.exec(copilotRequest(id));
  t.is(read(), 10);
  t.is(read(), 1);
  db.exec(copilotRequest(11));
  t.is(read(), 2);
  db.close();
});
