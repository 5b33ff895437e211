import fc from "fast-check";
import test from "ava";
import type { Period, UsageDate } from "@flowstate/shared/time";
import { backtest, byLength, byLastValue } from "./backtest.ts";
import { conformalBands, defaultBands, scaleOf } from "./bands.ts";
import { gradeForecast, type Grounds } from "./confidence.ts";
import { projectCurrentMonth } from "./current-month.ts";
import type { Allocation, ForecastFacts, ForecastPerson } from "./facts.ts";
import { project } from "./method.ts";
import { nodeKey, organisation } from "./nodes.ts";
import { forecastOrganisation, type NodeForecast } from "./organisation.ts";
import { peopleOf, timelineOf } from "./people.ts";
import { findSeason } from "./season.ts";
import { createShares, spanOfMonth } from "./shares.ts";

const amounts = (least: number, most: number) =>
  fc.array(fc.integer({ min: 1, max: 1_000_000 }), { minLength: least, maxLength: most });

for (const [months, method] of [
  [1, "last value"],
  [5, "last value"],
  [6, "simple smoothing"],
  [17, "simple smoothing"],
  [18, "theta"],
  [35, "theta"],
] as const) {
  test(`${months} months are forecast by ${method}`, (t) => {
    const history = Array.from({ length: months }, (_, at) => 100 + ((at * 37) % 11));
    t.is(project(history, 6).method, method);
  });
}

test("a season is used where three years prove it, and repeats", (t) => {
  const yearly = (months: number) =>
    Array.from({ length: months }, (_, at) => 1000 + 400 * Math.sin((at * Math.PI) / 6) + ((at * 37) % 11));
  t.is(findSeason(yearly(35)), null);
  const { method, ahead } = project(yearly(48), 6);
  t.is(method, "seasonal theta");
  for (const [step, value] of ahead.entries()) {
    const expected = 1000 + 400 * Math.sin(((48 + step) * Math.PI) / 6);
    t.true(Math.abs(value - expected) < 40, `step ${step}: ${value} instead of ${expected}`);
  }
  t.is(findSeason(Array.from({ length: 60 }, (_, at) => 1000 + ((at * 7919) % 97))), null);
});

test("what never changes is forecast as it is, at any length", (t) => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 70 }), fc.integer({ min: 0, max: 10 ** 12 }), (length, value) => {
      const { ahead } = project(
        Array.from({ length }, () => value),
        6,
      );
      for (const one of ahead) t.true(Math.abs(one - value) <= 1e-9 * value);
    }),
  );
});

test("ten times the money is ten times the forecast, and no forecast is below zero", (t) => {
  fc.assert(
    fc.property(amounts(1, 60), (history) => {
      const once = project(history, 6).ahead;
      const tenfold = project(
        history.map((value) => value * 10),
        6,
      ).ahead;
      for (const [step, value] of once.entries()) {
        t.true(value >= 0);
        t.true(Math.abs((tenfold[step] ?? 0) - value * 10) <= 1e-6 * Math.max(1, ...history) * 10);
      }
    }),
  );
});

test("a steady rise goes on by Theta and is damped", (t) => {
  const { ahead } = project(
    Array.from({ length: 24 }, (_, at) => 100 + 10 * at),
    6,
  );
  t.true((ahead[5] ?? 0) > 340 && (ahead[5] ?? 0) < 400, String(ahead));
});

test("a band holds at least its share of the errors that made it", (t) => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.nat(1000), fc.nat(1000)), { minLength: 30, maxLength: 200 }),
      (scores) => {
        const bands = conformalBands(scores, 2);
        for (const step of [0, 1]) {
          const within = (limit: number) =>
            scores.filter((row) => (row[step] ?? 0) <= limit).length / scores.length;
          t.true(within(bands?.within80[step] ?? -1) >= 0.8);
          t.true(within(bands?.within95[step] ?? -1) >= 0.95);
        }
        t.true((bands?.within80[1] ?? 0) >= (bands?.within80[0] ?? 0));
      },
    ),
  );
  t.is(
    conformalBands(
      Array.from({ length: 29 }, () => [1]),
      1,
    ),
    null,
  );
});

test("default bands exist for every length and widen with the steps", (t) => {
  for (let months = 0; months <= 80; months += 1) {
    const { within80, within95 } = defaultBands(months);
    t.is(within80.length, 6);
    for (const [step, width] of within80.entries()) {
      t.true(width > 0 && width >= (within80[step - 1] ?? 0) && (within95[step] ?? 0) > width);
    }
  }
  t.is(scaleOf([10, 10, 10], [0, 0]), 0.2);
  t.is(scaleOf([10], []), 10);
});

const day = (text: string) => text as UsageDate;
const month = (text: string) => text as Period;

test("the current month is what was spent and the usual of the weekdays that are left", (t) => {
  // October 2026 begins on a Thursday; 10 on each working day, nothing on weekends, since 7 September.
  const days = [];
  for (let at = Date.UTC(2026, 8, 7); at < Date.UTC(2026, 9, 15); at += 86_400_000) {
    const weekday = new Date(at).getUTCDay();
    if (weekday !== 0 && weekday !== 6)
      days.push({ day: day(new Date(at).toISOString().slice(0, 10)), nanoUsd: 10n });
  }
  t.deepEqual(projectCurrentMonth(days, day("2026-10-15")), { expected: 220, open: 17 / 31 });
  t.deepEqual(projectCurrentMonth([], day("2026-10-15")), { expected: 0, open: 17 / 31 });
  t.is(
    projectCurrentMonth([{ day: day("2026-10-14"), nanoUsd: 3n }], day("2026-10-15")).expected,
    3 + 17 * 3,
  );
});

const allocation = (given: Partial<Allocation>): Allocation => ({
  employeeId: "ada",
  projectId: null,
  teamId: null,
  ftePpm: 500_000n,
  fromDay: "2026-01-01",
  untilDay: null,
  ...given,
});
const ada: ForecastPerson = { subject: "ada@x.example", employeeId: "ada", active: true, teamId: "web" };

for (const [title, allocations, period, expected] of [
  ["nothing: as calls named projects", [], "2026-11", "seen:7 null:1"],
  ["half and half", [{ projectId: "a" }, { projectId: "b" }], "2026-11", "a:15000000 b:15000000"],
  ["one ends within the month", [{ projectId: "a", untilDay: "2026-11-10" }], "2026-11", "a:5000000"],
  ["one ended before", [{ projectId: "a", untilDay: "2026-10-31" }], "2026-11", "seen:7 null:1"],
  ["for a team alone", [{ teamId: "ops" }], "2026-11", "seen:7 null:1"],
] as const) {
  test(`shares of projects: ${title}`, (t) => {
    const usual = new Map([
      [
        ada.subject,
        [
          { id: "seen", weight: 7n },
          { id: null, weight: 1n },
        ],
      ],
    ]);
    const shares = createShares(allocations.map(allocation), usual).projects(ada, spanOfMonth(month(period)));
    t.is(shares.map(({ id, weight }) => `${id}:${weight}`).join(" "), expected);
  });
}

test("shares of teams: by allocation, else the primary team, else none", (t) => {
  const teams = (allocations: readonly Allocation[], person: ForecastPerson) =>
    createShares(allocations, new Map())
      .teams(person, spanOfMonth(month("2026-11")))
      .map(({ id }) => id);
  t.deepEqual(teams([allocation({ teamId: "ops" })], ada), ["ops"]);
  t.deepEqual(teams([], ada), ["web"]);
  t.deepEqual(teams([], { ...ada, teamId: null }), [null]);
});

const sound: Grounds = {
  today: day("2026-11-20"),
  months: 12,
  weeks: [10, 11, 9, 10],
  allocatedUntil: null,
  recentCost: true,
  mase: 0.7,
};

for (const [title, given, expected] of [
  ["all is well", {}, "HIGH"],
  ["less than a year", { months: 11 }, "MEDIUM"],
  ["less than half a year", { months: 5 }, "LOW"],
  ["allocations run six months", { allocatedUntil: "2027-05-31" }, "HIGH"],
  ["allocations run five months", { allocatedUntil: "2027-04-30" }, "MEDIUM"],
  ["allocations run two months", { allocatedUntil: "2027-01-31" }, "LOW"],
  ["uneven use", { weeks: [10, 4, 16, 10] }, "MEDIUM"],
  ["erratic use", { weeks: [0, 0, 0, 40] }, "LOW"],
  ["nothing in the last thirty days", { recentCost: false }, "LOW"],
  ["the past was missed", { mase: 1.2 }, "MEDIUM"],
  ["no past to try", { mase: null }, "MEDIUM"],
] as const) {
  test(`confidence when ${title}: ${expected}`, (t) => {
    t.is(gradeForecast({ ...sound, ...given }), expected);
  });
}

const empty: ForecastFacts = {
  today: day("2026-11-20"),
  spends: [],
  recent: [],
  days: new Map(),
  people: [],
  allocations: [],
  projectIds: [],
  teamIds: [],
};

test("an organisation without usage has a forecast of nothing, at low confidence", async (t) => {
  const { nodes, covered80 } = await forecastOrganisation({ ...empty, projectIds: ["p"], teamIds: ["t"] });
  t.deepEqual(
    nodes.map(({ node, confidence, points }) => [nodeKey(node), confidence, points.at(-1)?.high95]),
    [
      ["organisation/", "LOW", 0n],
      ["project/p", "LOW", 0n],
      ["team/t", "LOW", 0n],
    ],
  );
  t.is(covered80, null);
});

test("projects, teams and the organisation are the same money to the nano-dollar", async (t) => {
  const projects = fc.option(fc.constantFrom("p1", "p2", "p3"));
  const teams = fc.option(fc.constantFrom("t1", "t2"));
  const names = fc.constantFrom("ada", "bob", "eve", "dan");
  const subjects = names.map((name) => `${name}@x.example`);
  const money = fc.bigInt({ min: 1n, max: 10n ** 14n });
  const facts: fc.Arbitrary<ForecastFacts> = fc.record({
    today: fc.constant(day("2026-11-20")),
    spends: fc.array(
      fc.record({
        period: fc
          .integer({ min: 0, max: 22 })
          .map((at) => month(`${2025 + Math.floor(at / 12)}-${String((at % 12) + 1).padStart(2, "0")}`)),
        subject: subjects,
        projectId: projects,
        nanoUsd: money,
      }),
      { maxLength: 60 },
    ),
    recent: fc.array(fc.record({ subject: subjects, projectId: projects, nanoUsd: money }), { maxLength: 5 }),
    days: fc
      .dictionary(
        subjects,
        fc.array(
          fc.record({
            day: fc.integer({ min: 1, max: 19 }).map((at) => day(`2026-11-${String(at).padStart(2, "0")}`)),
            nanoUsd: fc.bigInt({ min: 1n, max: 10n ** 12n }),
          }),
        ),
      )
      .map((entries) => new Map(Object.entries(entries))),
    people: fc
      .uniqueArray(
        fc.record({
          name: names,
          active: fc.boolean(),
          teamId: teams,
        }),
        { selector: ({ name }) => name },
      )
      .map((rows) =>
        rows.map(({ name, ...rest }) => ({ ...rest, subject: `${name}@x.example`, employeeId: name })),
      ),
    allocations: fc.array(
      fc.record({
        employeeId: names,
        projectId: projects,
        teamId: teams,
        ftePpm: fc.bigInt({ min: 1n, max: 1_000_000n }),
        fromDay: fc.constantFrom("2025-03-01", "2026-06-15", "2026-12-24"),
        untilDay: fc.option(fc.constantFrom("2026-08-02", "2027-02-10")),
      }),
      { maxLength: 8 },
    ),
    projectIds: fc.constant(["p1", "p2", "p3"]),
    teamIds: fc.constant(["t1", "t2"]),
  });
  await fc.assert(
    fc.asyncProperty(facts, async (given) => {
      const { nodes } = await forecastOrganisation(given);
      const [whole] = nodes;
      const figures = (one: NodeForecast | undefined) => [
        one?.actual30d ?? 0n,
        ...(one?.actuals ?? []).map(({ nanoUsd }) => nanoUsd),
        ...(one?.points ?? []).map(({ expected }) => expected),
      ];
      t.is(nodeKey(whole?.node ?? organisation), "organisation/");
      for (const kind of ["project", "team"] as const) {
        const parts = nodes.filter(({ node }) => node.kind === kind).map(figures);
        t.deepEqual(
          figures(whole).map((_, index) => parts.reduce((sum, own) => sum + (own[index] ?? 0n), 0n)),
          figures(whole),
        );
      }
      for (const { points } of nodes) {
        for (const { expected, low80, high80, low95, high95 } of points) {
          t.true(
            0n <= low95 && low95 <= low80 && low80 <= expected && expected <= high80 && high80 <= high95,
          );
        }
      }
    }),
    { numRuns: 60 },
  );
});

function spendsOf(subject: string, values: readonly number[]): ForecastFacts["spends"] {
  return values.map((value, at) => ({
    period: month(`${2025 + Math.floor(at / 12)}-${String((at % 12) + 1).padStart(2, "0")}`),
    subject,
    projectId: null,
    nanoUsd: BigInt(value),
  }));
}

test("who has left is expected to spend nothing more", async (t) => {
  const spends = spendsOf(
    ada.subject,
    Array.from({ length: 22 }, () => 1000),
  );
  const last = async (active: boolean) => {
    const { nodes } = await forecastOrganisation({ ...empty, spends, people: [{ ...ada, active }] });
    return nodes[0]?.points.at(-1)?.expected ?? 0n;
  };
  t.true((await last(true)) > 0n);
  t.is(await last(false), 0n);
});

test("the back-test knows nothing of the months that it is judged by", async (t) => {
  const values = Array.from({ length: 22 }, (_, at) => 1000 + ((at * 7919) % 300));
  const scoresOf = async (given: readonly number[]) => {
    const facts: ForecastFacts = { ...empty, spends: spendsOf(ada.subject, given), people: [ada] };
    const timeline = timelineOf(facts);
    const numbers = new Map([[nodeKey(organisation), { node: organisation, months: given }]]);
    const people = await peopleOf(facts, timeline);
    return {
      chosen: (await backtest(people, numbers, given.length, byLength)).get(nodeKey(organisation)),
      plain: (await backtest(people, numbers, given.length, byLastValue)).get(nodeKey(organisation)),
    };
  };
  const told = await scoresOf(values);
  const other = await scoresOf([...values.slice(0, -1), 999_999]);
  // Twelve origins, the last one a month before the end: only the error that reaches the last month may differ.
  t.is(told.chosen?.scores.length, 12);
  for (const [index, row] of (told.chosen?.scores ?? []).entries()) {
    const reach = index + row.length === 12 ? row.length - 1 : row.length;
    t.deepEqual(other.chosen?.scores[index]?.slice(0, reach), row.slice(0, reach));
  }
  t.true((told.chosen?.mase ?? 9) < (told.plain?.mase ?? 0), "smoothing beats the last value on noise");
  t.is((await scoresOf([5, 5, 5])).chosen?.mase, null);
});
