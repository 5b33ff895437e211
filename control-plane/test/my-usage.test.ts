/** What people see of their own use, and what they say of it: notes, and which project a session was for. */
import { randomUUID } from "node:crypto";
import test from "ava";
import type { OrgId } from "@flowstate/shared/ids";
import type { Subject } from "@flowstate/shared/subject";
import type { CallEvent } from "@flowstate/shared/wire/call";
import { readAudit } from "../src/audit/record.ts";
import { markSessions } from "../src/self-service/marks.ts";
import { findProjects } from "../src/self-service/projects.ts";
import { findOwnSessions, listOwnSessions, noteSession } from "../src/self-service/sessions.ts";
import type { Store } from "../src/store/open.ts";
import { ingestSessions } from "../src/usage/ingest.ts";
import { readWindow } from "../src/usage-queries/window.ts";
import { asMember } from "./support/as-member.ts";
import { testOnBothEngines } from "./support/both-engines.ts";
import { callEvent } from "./support/call-event.ts";
import { shiftedClock } from "./support/clock.ts";
import { refusal } from "./support/reconciling.ts";
import { startRunning } from "./support/running.ts";

const now = Date.parse("2026-11-20T09:30:00Z");
const window = readWindow({}, now);
const ada = "ada@example.com";
const bob = "bob@example.com";
const tokens = { input: 100, output: 10, cacheRead: 5, cacheWrite5m: 0, cacheWrite1h: 0, reasoning: 0 };

const call = (seq: number, sessionId: string, change: Partial<CallEvent> = {}): CallEvent =>
  callEvent({
    seq,
    callId: `msg_${sessionId}_${seq}`,
    sessionId,
    occurredAt: "2026-11-19T08:00:00.000Z",
    tokens,
    project: "github.com/acme/web",
    billing: "metered",
    ...change,
  });

const send = async (store: Store, orgId: OrgId, events: readonly unknown[], subject = ada) => {
  const batch = { source: randomUUID(), batch: randomUUID(), events: [...events] };
  const { answer } = await ingestSessions(store, { orgId, subject: subject as Subject, now, batch });
  return answer;
};

const projects = (store: Store, orgId: OrgId) =>
  store.transact((db) =>
    db
      .insertInto("projects")
      .values(
        (
          [
            ["api", "The API", "github.com/acme/api", null],
            ["lab", "100 % Lab_", "lab", null],
            ["bare", "Bare", null, null],
            ["old", "Old API", "github.com/acme/old", now],
          ] as const
        ).map(([id, name, marker, archived]) => ({
          org_id: orgId,
          project_id: id,
          name,
          team_id: null,
          cost_centre: null,
          marker,
          archived_at: archived,
          version: 1n,
          created_at: now,
          updated_at: now,
        })),
      )
      .execute(),
  );

const mark = (
  store: Store,
  orgId: OrgId,
  sessionIds: readonly string[],
  projectId: string | null,
  who = ada,
) =>
  store.transact((db) =>
    markSessions(db, store.engine, { orgId, actor: who, now, addresses: [who], sessionIds, projectId }),
  );

/** Cost and calls by project, as hours and as sessions have them. */
const byProject = async (store: Store, orgId: OrgId) => {
  const sum = async (table: "usage_hours" | "sessions") => {
    const rows = await store.reader
      .selectFrom(table)
      .select(["project", "calls", "cost_nano_usd"])
      .where("org_id", "=", orgId)
      .execute();
    const groups = Map.groupBy(
      rows.filter(({ calls }) => calls > 0n),
      ({ project }) => project ?? "",
    );
    return [...groups]
      .map(([project, own]) => [
        project,
        Number(own.reduce((total, { calls }) => total + calls, 0n)),
        Number(own.reduce((total, row) => total + row.cost_nano_usd, 0n)) / 1e9,
      ])
      .toSorted(([a = ""], [b = ""]) => (a < b ? -1 : 1));
  };
  return { hours: await sum("usage_hours"), sessions: await sum("sessions") };
};

const both = (rows: readonly (readonly [string, number, number])[]) => ({ hours: rows, sessions: rows });

testOnBothEngines(
  "a marked session belongs to its project, also what is told of it later",
  async (t, { store, orgId }) => {
    await projects(store, orgId);
    await send(store, orgId, [call(1, "s1"), call(2, "s1"), call(3, "s2"), call(4, "s3", { project: null })]);
    const web = "github.com/acme/web";
    const api = "github.com/acme/api";
    const before = both([
      ["", 1, 0.5],
      [web, 3, 1.5],
    ]);
    t.deepEqual(await byProject(store, orgId), before);
    await mark(store, orgId, ["s1", "s3"], "api");
    const marked = both([
      [api, 3, 1.5],
      [web, 1, 0.5],
    ]);
    t.deepEqual(await byProject(store, orgId), marked);

    await send(store, orgId, [
      call(1, "s1", { revision: 2, costUsd: "0.75" }),
      call(9, "s1"),
      call(10, "s2", { occurredAt: "2026-11-19T09:00:00.000Z" }),
    ]);
    const later = both([
      [api, 4, 2.25],
      [web, 2, 1],
    ]);
    t.deepEqual(await byProject(store, orgId), later);

    await mark(store, orgId, ["s1"], "lab");
    await mark(store, orgId, ["s1", "s3", "s2"], null);
    t.deepEqual(
      await byProject(store, orgId),
      both([
        ["", 1, 0.5],
        [web, 5, 2.75],
      ]),
    );
    const audit = await readAudit(store.reader, orgId, { newest: 3 });
    t.deepEqual(
      audit.map(({ action, target, detail }) => `${action} ${target} ${detail}`),
      [
        `ai_sessions.unmarked null 3 of ${ada}`,
        `ai_sessions.marked lab 1 of ${ada}`,
        `ai_sessions.marked ${api} 2 of ${ada}`,
      ],
    );
  },
);

testOnBothEngines(
  "only one's own sessions, and projects that can be told apart",
  async (t, { store, orgId }) => {
    await projects(store, orgId);
    await send(store, orgId, [call(1, "s1")]);
    await send(store, orgId, [call(1, "b1")], bob);
    const before = await byProject(store, orgId);
    const note = (id: string, text: string) =>
      store.transact((db) => noteSession(db, { orgId, now }, [ada], id, text));
    const cases: readonly [what: string, done: () => Promise<unknown>, expected: RegExp][] = [
      [
        "a colleague's",
        () => mark(store, orgId, ["s1", "b1"], "api"),
        /^FS_NOT_FOUND you have no session "b1"/,
      ],
      ["none", () => mark(store, orgId, [], "api"), /^FS_INPUT_INVALID/],
      [
        "a project without a marker",
        () => mark(store, orgId, ["s1"], "bare"),
        /^FS_CONFLICT Bare has no marker/,
      ],
      ["a project that is gone", () => mark(store, orgId, ["s1"], "old"), /^FS_NOT_FOUND/],
      ["a note on a colleague's", () => note("b1", "hm"), /^FS_NOT_FOUND/],
      ["a long note", () => note("s1", "x".repeat(1001)), /^FS_INPUT_INVALID note takes up to 1000/],
    ];
    for (const [what, done, expected] of cases) t.regex(await refusal(done()), expected, what);
    t.deepEqual(await byProject(store, orgId), before);

    const names = async (search: string) =>
      (await findProjects(store.reader, orgId, search, 10)).map(({ name }) => name);
    t.deepEqual(await names(""), ["100 % Lab_", "The API"]);
    t.deepEqual(await names("api"), ["The API"]);
    t.deepEqual(await names("%"), ["100 % Lab_"]);
    t.deepEqual(await names("_"), ["100 % Lab_"]);
  },
);

testOnBothEngines(
  "sessions come newest first, with what their person has said of them",
  async (t, { store, orgId }) => {
    await projects(store, orgId);
    await send(store, orgId, [
      call(1, "s1"),
      call(2, "s2", { occurredAt: "2026-11-19T10:00:00.000Z" }),
      call(3, "s3", { occurredAt: "2026-01-01T10:00:00.000Z" }),
    ]);
    await send(store, orgId, [call(1, "b1")], bob);
    await store.transact((db) => noteSession(db, { orgId, now }, [ada], "s1", " for the audit "));
    await mark(store, orgId, ["s2"], "api");
    const list = await listOwnSessions(store.reader, orgId, [ada], window, { limit: 10, offset: 0 });
    t.deepEqual(
      list.map(({ session, note, isMarked }) => [session.session_id, note, isMarked]),
      [
        ["s2", null, true],
        ["s1", "for the audit", false],
      ],
    );
    t.is((await listOwnSessions(store.reader, orgId, [ada], window, { limit: 10, offset: 1 })).length, 1);
    const without = { limit: 10, offset: 0, offProject: true };
    t.deepEqual(
      (await listOwnSessions(store.reader, orgId, [ada], window, without)).map(
        ({ session }) => session.session_id,
      ),
      ["s1"],
      "no project of the directory has the marker of s1",
    );
    await store.transact((db) => noteSession(db, { orgId, now }, [ada], "s1", null));
    t.is((await findOwnSessions(store.reader, orgId, [ada], ["s1"]))[0]?.note, null);
  },
);

test("over GraphQL everybody sees their own use and no other", async (t) => {
  await using running = await startRunning({ clock: shiftedClock(now) });
  const { store } = running.installation;
  const { orgId } = running.context;
  await projects(store, orgId);
  await send(store, orgId, [call(1, "s1"), call(2, "s1", { costUsd: null, tool: "codex-cli" })]);
  await send(store, orgId, [call(1, "b1")], bob);
  const person = await asMember(running, ada);
  const other = await asMember(running, "eve@example.com");
  const usage = `{ myAiUsage { startDate addresses uses { system tool calls inputTokens outputTokens listPriceUsd uncostedCalls }
    standing { period requests quota signals { type } } } }`;
  t.deepEqual((await person.graphql(usage)).data["myAiUsage"], {
    startDate: window.startDate,
    addresses: [ada],
    uses: [
      {
        system: "anthropic",
        tool: "claude-code",
        calls: "1",
        inputTokens: "105",
        outputTokens: "10",
        listPriceUsd: "0.50",
        uncostedCalls: "0",
      },
      {
        system: "anthropic",
        tool: "codex-cli",
        calls: "1",
        inputTokens: "105",
        outputTokens: "10",
        listPriceUsd: null,
        uncostedCalls: "1",
      },
    ],
    standing: { period: "2026-11", requests: "0", quota: null, signals: [] },
  });
  t.deepEqual((await other.graphql("{ myAiSessions { isMarked } }")).data["myAiSessions"], []);

  const marking =
    'mutation { markMyAiSessions(ids: ["s1"], project: "api") { isMarked session { id project } } }';
  t.deepEqual((await other.graphql(marking)).codes, ["FS_NOT_FOUND"]);
  t.deepEqual((await person.graphql(marking)).data["markMyAiSessions"], [
    { isMarked: true, session: { id: "s1", project: "github.com/acme/api" } },
  ]);
  const noting = 'mutation { noteMyAiSession(id: "s1", note: "spike") { note } }';
  t.deepEqual((await person.graphql(noting)).data["noteMyAiSession"], { note: "spike" });
  const sessions = await person.graphql("{ myAiSessions { note isMarked session { id calls } } }");
  t.deepEqual(sessions.data["myAiSessions"], [
    { note: "spike", isMarked: true, session: { id: "s1", calls: 2 } },
  ]);
  t.deepEqual((await person.graphql('{ myAiProjects(search: "api") { name } }')).data["myAiProjects"], [
    { name: "The API" },
  ]);
  t.deepEqual((await person.graphql("{ myAiSessions(limit: 0) { note } }")).codes, ["FS_INPUT_INVALID"]);
});
