/** Where people stand by their month, what they are told of it, what they say to that, and who else sees it. */
import { randomUUID } from "node:crypto";
import { newOrgId, type OrgId } from "@flowstate/shared/ids";
import { formatUsd } from "@flowstate/shared/money";
import type { Subject } from "@flowstate/shared/subject";
import { until } from "@flowstate/shared/testing/until";
import { dayMs } from "@flowstate/shared/time";
import { readAudit } from "../src/audit/record.ts";
import { createOrg } from "../src/orgs/orgs.ts";
import { markSessions } from "../src/self-service/marks.ts";
import type { Finding } from "../src/signals/finding.ts";
import { resolveSignal } from "../src/signals/resolve.ts";
import { storeFindings } from "../src/signals/store-findings.ts";
import { acknowledgeNudge, answerByMarking } from "../src/standing/answer.ts";
import { loadAccountable } from "../src/standing/readings.ts";
import { runNudges } from "../src/standing/run.ts";
import { readStandings } from "../src/standing/standing.ts";
import { listThreads } from "../src/standing/threads.ts";
import { watchStanding } from "../src/standing/watch.ts";
import type { Store } from "../src/store/open.ts";
import { ingestSessions } from "../src/usage/ingest.ts";
import { asMember } from "./support/as-member.ts";
import { testOnBothEngines } from "./support/both-engines.ts";
import { callEvent } from "./support/call-event.ts";
import { hurriedClock, shiftedClock } from "./support/clock.ts";
import { refusal } from "./support/reconciling.ts";
import { newMasterKey, startRunning } from "./support/running.ts";

const now = Date.parse("2026-11-03T09:30:00Z");
const ada = "ada@example.com";
const person = { subject: ada, addresses: [ada] };
const web = "github.com/acme/web";

/** One call of a session of its own, on no project unless it says so. */
async function spend(
  store: Store,
  orgId: OrgId,
  sessionId: string,
  costUsd: string,
  { at = now, project = null as string | null, subject = ada } = {},
): Promise<void> {
  const occurredAt = new Date(at - 60_000).toISOString();
  const event = callEvent({ sessionId, occurredAt, costUsd, project, billing: "plan" });
  const batch = { source: randomUUID(), batch: randomUUID(), events: [event] };
  const { answer } = await ingestSessions(store, { orgId, subject: subject as Subject, now: at, batch });
  if (answer.rejected.length > 0) throw new Error(JSON.stringify(answer.rejected));
}

async function company(store: Store, orgId: OrgId): Promise<void> {
  const row = { version: 1n, created_at: now, updated_at: now };
  const employee = (id: string, manager: string | null) => ({
    org_id: orgId,
    employee_id: id,
    email: `${id}@example.com`,
    name: null,
    title: null,
    primary_team_id: null,
    manager_id: manager,
    external_id: null,
    active: 1n,
    ...row,
  });
  await store.transact(async (db) => {
    await db
      .insertInto("projects")
      .values({
        org_id: orgId,
        project_id: "web",
        name: "Web",
        team_id: null,
        cost_centre: null,
        marker: web,
        archived_at: null,
        ...row,
      })
      .execute();
    await db
      .insertInto("employees")
      .values([
        employee("boss", null),
        employee("lead", "boss"),
        employee("ada", "lead"),
        employee("bob", "lead"),
      ])
      .execute();
  });
}

const member = (store: Store, orgId: OrgId, email = ada) =>
  store.transact((db) =>
    db
      .insertInto("members")
      .values({
        org_id: orgId,
        member_id: email,
        email,
        role: "viewer",
        password_hash: null,
        created_at: now,
      })
      .execute(),
  );

/** Track, tier and figure, as somebody reads them. */
async function stands(store: Store, orgId: OrgId, at: number): Promise<readonly string[]> {
  const standings = await readStandings(store.reader, orgId, [person], at);
  return standings.map(({ track, tier, reading }) => {
    const figure = reading.track === "SIGNALS" ? reading.open.length : formatUsd(reading.amount);
    return `${track} ${tier} ${figure}`;
  });
}

async function told(store: Store, orgId: OrgId, at: number): Promise<readonly string[]> {
  const threads = await listThreads(store.reader, orgId, [ada], at);
  return threads.map(({ nudge }) => `${nudge.day} ${nudge.track} ${nudge.tier} ${nudge.answer ?? "open"}`);
}

const actions = async (store: Store, orgId: OrgId) =>
  (await readAudit(store.reader, orgId, { newest: 100 }))
    .map(({ actor, action }) => `${actor} ${action}`)
    .filter((entry) => /nudge|signal/.test(entry))
    .reverse();

const signals = (store: Store, orgId: OrgId) =>
  store.reader.selectFrom("signals").selectAll().where("org_id", "=", orgId).orderBy("signal_id").execute();

testOnBothEngines("an unanswered nudge climbs, and an answer brings it down", async (t, { store, orgId }) => {
  await company(store, orgId);
  const clock = hurriedClock(now);
  const run = () => runNudges({ store, clock }, orgId);
  await spend(store, orgId, "s1", "60");
  await spend(store, orgId, "s2", "500", { project: web });
  t.is(await run(), 0, "who has no account could not answer");
  await member(store, orgId);
  t.deepEqual([await run(), await run()], [1, 0]);
  t.deepEqual(await stands(store, orgId, now), ["OFF_PROJECT_SPEND 1 60.00", "SIGNALS 0 0"]);
  await spend(store, orgId, "s3", "140", { at: now + 1 });
  t.is(await run(), 0, "once a day");
  t.deepEqual(await stands(store, orgId, now), ["OFF_PROJECT_SPEND 2 200.00", "SIGNALS 0 0"]);

  clock.advance(dayMs);
  t.deepEqual([await run(), await run()], [1, 0]);
  clock.advance(7 * dayMs - 1);
  t.is(await run(), 0);
  clock.advance(1);
  t.is(await run(), 1);
  t.like((await signals(store, orgId))[0], { type: "off_project_spend", severity: "INFO", resolution: null });
  clock.advance(7 * dayMs);
  t.is(await run(), 1);
  const [signal, ...others] = await signals(store, orgId);
  t.deepEqual(others, []);
  t.like(signal, { severity: "WARN", subject: ada, resolution: null });
  t.is(clock.now() - now, 15 * dayMs);
  t.deepEqual(await stands(store, orgId, clock.now()), ["OFF_PROJECT_SPEND 4 200.00", "SIGNALS 0 0"]);
  t.deepEqual(await told(store, orgId, clock.now()), [
    "2026-11-18 OFF_PROJECT_SPEND 4 open",
    "2026-11-11 OFF_PROJECT_SPEND 3 open",
    "2026-11-04 OFF_PROJECT_SPEND 2 open",
    "2026-11-03 OFF_PROJECT_SPEND 1 open",
  ]);

  const [last] = await listThreads(store.reader, orgId, [ada], clock.now());
  const answering = { orgId, actor: ada, now: clock.now(), person };
  const acknowledge = () =>
    store.transact((db) => acknowledgeNudge(db, answering, last?.nudge.nudge_id ?? ""));
  await acknowledge();
  await acknowledge();
  t.deepEqual(await stands(store, orgId, clock.now()), ["OFF_PROJECT_SPEND 1 200.00", "SIGNALS 0 0"]);
  t.true((await told(store, orgId, clock.now())).every((each) => each.endsWith("ACKNOWLEDGED")));
  t.like((await signals(store, orgId))[0], { resolution: "ACKNOWLEDGED", resolved_by: ada });
  t.deepEqual(await actions(store, orgId), [
    ...Array<string>(4).fill("system nudge.sent"),
    ...Array<string>(4).fill(`${ada} nudge.acknowledged`),
    `${ada} signal.acknowledged`,
  ]);

  await spend(store, orgId, "s4", "200", { at: clock.now() });
  clock.advance(dayMs);
  t.is(await run(), 1, "as much again is asked about again");
  t.deepEqual(await stands(store, orgId, clock.now()), ["OFF_PROJECT_SPEND 2 400.00", "SIGNALS 0 0"]);
  const december = Date.parse("2026-12-01T00:00:00Z");
  t.deepEqual(await stands(store, orgId, december), ["OFF_PROJECT_SPEND 0 0.00", "SIGNALS 0 0"]);
});

testOnBothEngines(
  "marking sessions as a project's answers the nudge about them",
  async (t, { store, orgId }) => {
    await company(store, orgId);
    await member(store, orgId);
    const clock = hurriedClock(now);
    await spend(store, orgId, "s1", "180");
    await spend(store, orgId, "s2", "40");
    await spend(store, orgId, "s3", "5", { project: web });
    t.is(await runNudges({ store, clock }, orgId), 1);
    const answering = { orgId, actor: ada, now: clock.now(), person };
    const mark = (sessionId: string, projectId: string | null = "web") =>
      store.transact((db) =>
        answerByMarking(db, answering, () =>
          markSessions(db, store.engine, {
            ...answering,
            addresses: [ada],
            sessionIds: [sessionId],
            projectId,
          }),
        ),
      );
    await mark("s3");
    t.deepEqual(await told(store, orgId, now), ["2026-11-03 OFF_PROJECT_SPEND 2 open"]);
    await mark("s2");
    t.deepEqual(await told(store, orgId, now), ["2026-11-03 OFF_PROJECT_SPEND 2 MARKED"]);
    t.deepEqual(await stands(store, orgId, now), ["OFF_PROJECT_SPEND 1 180.00", "SIGNALS 0 0"]);
    await mark("s1");
    t.deepEqual(await stands(store, orgId, now), ["OFF_PROJECT_SPEND 0 0.00", "SIGNALS 0 0"]);
    t.deepEqual(await actions(store, orgId), ["system nudge.sent", `${ada} nudge.marked`]);

    await mark("s1", null);
    clock.advance(dayMs);
    await spend(store, orgId, "s4", "400");
    t.is(await runNudges({ store, clock }, orgId), 1);
    await store.transact((db) =>
      db.updateTable("projects").set({ archived_at: now }).where("org_id", "=", orgId).execute(),
    );
    t.deepEqual(
      await stands(store, orgId, now),
      ["SIGNALS 0 0"],
      "where nothing can be marked nothing is asked",
    );
  },
);

function finding(occurrence: string, change: Partial<Finding> = {}): Finding {
  return {
    type: "spend_spike",
    severity: "WARN",
    subject: ada,
    sessionId: null,
    service: null,
    about: "",
    occurrence,
    at: now,
    evidence: { paidUsd: "60.00" },
    ...change,
  };
}

testOnBothEngines(
  "an answer settles the signals it is about, but for the gravest",
  async (t, { store, orgId }) => {
    await member(store, orgId);
    const clock = hurriedClock(now);
    const find = (...findings: readonly Finding[]) =>
      store.transact((db) => storeFindings(db, orgId, findings, clock.now()));
    await find(
      finding("1"),
      finding("slight", { severity: "INFO" }),
      finding("others", { type: "auth_context_mismatch" }),
      finding("bob", { subject: "bob@example.com" }),
    );
    t.is(await runNudges({ store, clock }, orgId), 1);
    t.deepEqual(await stands(store, orgId, now), ["SIGNALS 1 1"]);
    clock.advance(dayMs);
    await find(finding("2", { severity: "BLOCK" }));
    t.is(await runNudges({ store, clock }, orgId), 1);
    t.deepEqual(await stands(store, orgId, clock.now()), ["SIGNALS 2 2"]);

    const [last] = await listThreads(store.reader, orgId, [ada], clock.now());
    const answering = { orgId, actor: ada, now: clock.now(), person };
    await store.transact((db) => acknowledgeNudge(db, answering, last?.nudge.nudge_id ?? ""));
    t.deepEqual(await stands(store, orgId, clock.now()), ["SIGNALS 1 1"]);
    const after = (await signals(store, orgId)).filter(({ note }) => note !== null);
    t.deepEqual(
      after
        .map((row) => `${row.severity} ${row.resolution ?? "open"} ${row.resolved_by}: ${row.note}`)
        .sort(),
      [
        "BLOCK open null: acknowledged by whom it is about on 2026-11-04T09:30:00.000Z",
        `WARN ACKNOWLEDGED ${ada}: acknowledged by whom it is about`,
      ],
    );
    t.deepEqual((await actions(store, orgId)).slice(-2).sort(), [
      `${ada} signal.acknowledged`,
      `${ada} signal.answered`,
    ]);
    const grave = after.find(({ severity }) => severity === "BLOCK");
    await store.transact((db) =>
      resolveSignal(db, {
        orgId,
        actor: "security",
        now: clock.now(),
        signalId: grave?.signal_id ?? "",
        resolution: "FALSE_POSITIVE",
        note: null,
      }),
    );
    t.deepEqual(await stands(store, orgId, clock.now()), ["SIGNALS 0 0"]);

    // The slight one, which its person has acknowledged, turns out to be grave.
    clock.advance(dayMs);
    const grown = { severity: "BLOCK", evidence: { paidUsd: "900.00" } } as const;
    await find(finding("1", { evidence: { paidUsd: "70.00" } }));
    t.deepEqual(await stands(store, orgId, clock.now()), ["SIGNALS 0 0"]);
    await find(finding("1", grown));
    t.deepEqual(await stands(store, orgId, clock.now()), ["SIGNALS 2 1"]);
    t.is(await runNudges({ store, clock }, orgId), 1);
    const open = (await signals(store, orgId)).find(
      ({ severity, resolution }) => severity === "BLOCK" && resolution === null,
    );
    t.like(open, { note: null, resolved_by: null });
    await store.transact((db) =>
      resolveSignal(db, {
        orgId,
        actor: "security",
        now: clock.now(),
        signalId: open?.signal_id ?? "",
        resolution: "ACKNOWLEDGED",
        note: null,
      }),
    );
    await find(finding("1", { ...grown, evidence: { paidUsd: "9000.00" } }));
    t.deepEqual(await stands(store, orgId, clock.now()), ["SIGNALS 0 0"], "somebody else's verdict holds");

    clock.advance(dayMs);
    await find(finding("3", { type: "runaway_loop" }));
    t.is(await runNudges({ store, clock }, orgId), 1);
    const { signal_id: third = "" } =
      (await signals(store, orgId)).find(({ type }) => type === "runaway_loop") ?? {};
    await store.transact((db) =>
      resolveSignal(db, {
        orgId,
        actor: "security",
        now: clock.now(),
        signalId: third,
        resolution: "ACKNOWLEDGED",
        note: null,
      }),
    );
    t.is(await runNudges({ store, clock }, orgId), 0);
    t.is((await told(store, orgId, clock.now()))[0], "2026-11-06 SIGNALS 1 CLEARED");
  },
);

testOnBothEngines("organisations keep apart people of the same address", async (t, { store, orgId }) => {
  const other = newOrgId();
  await store.transact((db) => createOrg(db, { orgId: other, slug: "other", now }));
  const clock = hurriedClock(now);
  for (const org of [orgId, other]) {
    await company(store, org);
    await member(store, org);
  }
  await spend(store, orgId, "s1", "300");
  t.deepEqual([await runNudges({ store, clock }, other), await runNudges({ store, clock }, orgId)], [0, 1]);
  const [thread] = await listThreads(store.reader, orgId, [ada], now);
  t.deepEqual(await listThreads(store.reader, other, [ada], now), []);
  const foreign = { orgId: other, actor: ada, now, person };
  t.regex(
    await refusal(store.transact((db) => acknowledgeNudge(db, foreign, thread?.nudge.nudge_id ?? ""))),
    /^FS_NOT_FOUND/,
  );
  t.deepEqual(await stands(store, other, now), ["OFF_PROJECT_SPEND 0 0.00", "SIGNALS 0 0"]);
  t.is((await loadAccountable(store.reader, other)).length, 1);
});

testOnBothEngines("people are told by themselves", async (t, { store, orgId }) => {
  await company(store, orgId);
  await member(store, orgId);
  await spend(store, orgId, "s1", "60");
  const stopping = new AbortController();
  const failures: unknown[] = [];
  const watching = watchStanding({ store, clock: shiftedClock(now) }, stopping.signal, (error) =>
    failures.push(error),
  );
  await until("the nudge", async () => ((await told(store, orgId, now + dayMs)).length > 0 ? true : null));
  stopping.abort();
  await watching;
  t.deepEqual(failures, []);
});

testOnBothEngines(
  "a nudge is between the person and the program until it climbs or is replied to",
  async (t, { store, address, orgId }) => {
    await company(store, orgId);
    let passedMs = 0;
    const shifted = shiftedClock(now);
    const clock = { ...shifted, now: () => shifted.now() + passedMs };
    await using running = await startRunning({
      store: address,
      masterKey: newMasterKey(),
      orgSlug: "acme",
      clock,
    });
    const people = {
      ada: await asMember(running, ada),
      bob: await asMember(running, "bob@example.com"),
      lead: await asMember(running, "lead@example.com"),
      boss: await asMember(running, "boss@example.com"),
      admin: await asMember(running, "admin@example.com", "admin"),
      viewer: await asMember(running, "viewer@example.com"),
    };
    type Who = keyof typeof people;
    const sees = async (who: Who) => {
      const { data } = await people[who].graphql(
        "{ aiStandings { subject standing { track tier } nudges { tier replies { kind author text } } } }",
      );
      const rows = (data["aiStandings"] ?? []) as readonly {
        subject: string;
        standing: { track: string; tier: number };
        nudges: readonly {
          tier: number;
          replies: readonly { kind: string; author: string; text: string }[];
        }[];
      }[];
      return rows.map(
        ({ subject, standing, nudges }) =>
          `${subject.split("@")[0]} ${standing.track} ${standing.tier}: ${nudges
            .map(({ tier, replies }) => [tier, ...replies.map(({ text }) => text)].join(" "))
            .join(", ")}`,
      );
    };
    const everybody = async () => {
      const found: Partial<Record<Who, readonly string[]>> = {};
      for (const who of Object.keys(people) as Who[]) {
        const rows = await sees(who);
        if (rows.length > 0) found[who] = rows;
      }
      return found;
    };
    const mine = async (who: Who) => {
      const { data } = await people[who].graphql(
        `{ myAiUsage { standing { tracks { track rule tier periodStart amountUsd openSignals lastNudgeAt }
        nudges { id track tier message amountUsd nudgedAt answer answeredAt replies { kind author text at } } } } }`,
      );
      return (
        data["myAiUsage"] as {
          standing: { tracks: unknown[]; nudges: { id: string; nudgedAt: string; answer: unknown }[] };
        }
      ).standing;
    };
    const reply = async (who: Who, id: string, text: string) => {
      const { data, codes } = await people[who].graphql(
        "mutation ($id: ID!, $text: String!) { replyToNudge(id: $id, text: $text) { answer replies { kind } } }",
        { id, text },
      );
      return codes[0] ?? data["replyToNudge"];
    };

    await spend(store, orgId, "s1", "250");
    await runNudges({ store, clock }, orgId);
    const standing = await mine("ada");
    const [nudge] = standing.nudges;
    t.true(Date.parse(nudge?.nudgedAt ?? "") >= now);
    t.deepEqual(standing.tracks, [
      {
        track: "OFF_PROJECT_SPEND",
        rule: "off_project_spend/1",
        tier: 2,
        periodStart: "2026-11-01",
        amountUsd: "250.00",
        openSignals: null,
        lastNudgeAt: nudge?.nudgedAt,
      },
      {
        track: "SIGNALS",
        rule: "signals/1",
        tier: 0,
        periodStart: "2026-11-01",
        amountUsd: null,
        openSignals: 0,
        lastNudgeAt: null,
      },
    ]);
    const id = nudge?.id ?? "";
    t.like(nudge, { tier: 2, amountUsd: "250.00", answer: null, replies: [] });
    const open = async (who: Who) => (await people[who].graphql("{ myOpenNudges }")).data["myOpenNudges"];
    t.deepEqual([await open("ada"), await open("bob")], [1, 0]);
    t.deepEqual((await mine("bob")).nudges, []);
    t.deepEqual(await everybody(), {});
    const acknowledging = `mutation { acknowledgeNudge(id: "${id}") { answer answeredAt } }`;
    for (const who of ["bob", "lead", "admin"] as const) {
      t.deepEqual((await people[who].graphql(acknowledging)).codes, ["FS_NOT_FOUND"], who);
      t.is(await reply(who, id, "hm"), "FS_NOT_FOUND", who);
    }

    passedMs += 7 * dayMs;
    await runNudges({ store, clock }, orgId);
    const climbed = ["ada OFF_PROJECT_SPEND 3: 3"];
    t.deepEqual(await everybody(), { lead: climbed, boss: climbed });
    const [third] = (await mine("ada")).nudges;
    t.deepEqual(await reply("lead", third?.id ?? "", "What was it for?"), {
      answer: null,
      replies: [{ kind: "MANAGER_RESPONSE" }],
    });
    t.is(await reply("viewer", third?.id ?? "", "hm"), "FS_NOT_FOUND");
    passedMs += 7 * dayMs;
    await runNudges({ store, clock }, orgId);
    t.deepEqual((await everybody()).admin, ["ada OFF_PROJECT_SPEND 4: 4"]);

    for (const text of ["  ", "x".repeat(1001)]) t.is(await reply("ada", id, text), "FS_INPUT_INVALID");
    const [fourth] = (await mine("ada")).nudges;
    t.deepEqual(await reply("ada", fourth?.id ?? "", " A spike. "), {
      answer: "REPLIED",
      replies: [{ kind: "SUBJECT_RESPONSE" }],
    });
    const replied = "ada OFF_PROJECT_SPEND 1: 4 A spike.";
    t.deepEqual(await everybody(), {
      lead: [`${replied}, 3 What was it for?`],
      boss: [`${replied}, 3 What was it for?`],
      admin: [replied],
    });
    t.true((await mine("ada")).nudges.every(({ answer }) => answer === "REPLIED"));
    t.is(await open("ada"), 0);
    t.like((await signals(store, orgId))[0], { resolution: "ACKNOWLEDGED", resolved_by: ada });

    for (let index = 1; index < 20; index += 1) await reply("ada", id, `${index}`);
    t.is(await reply("ada", id, "and more"), "FS_RATE_LIMITED");
    passedMs += 3_600_000;
    t.like(await reply("ada", id, "later"), { answer: "REPLIED" });
  },
);
