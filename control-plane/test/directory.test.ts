/** The directory over REST as a client of the API meets it. */
import fc from "fast-check";
import anyTest, { type TestFn } from "ava";
import { readAudit } from "../src/audit/record.ts";
import { createEntity, deleteEntity, listEntities, updateEntity } from "../src/directory/entities.ts";
import { importDirectory, readDirectoryFile } from "../src/directory/import.ts";
import { creationSchema, resourceNames, resources } from "../src/directory/resources.ts";
import { createOrg } from "../src/orgs/orgs.ts";
import { newOrgId } from "@flowstate/shared/ids";
import { testOnBothEngines } from "./support/both-engines.ts";
import { startRunning, type Running } from "./support/running.ts";

const test = anyTest as TestFn<{ running: Running; key: string }>;

test.before(async (t) => {
  const running = await startRunning();
  t.context = { running, key: await running.apiKey("DIRECTORY_UPDATE", "AI_INSIGHTS_VIEW", "AUDIT_VIEW") };
});
test.after.always(({ context }) => context.running[Symbol.asyncDispose]());

interface Asked {
  readonly method?: string;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

async function ask(
  { running, key }: { readonly running: Running; readonly key: string },
  path: string,
  { method = "GET", body, headers = {} }: Asked = {},
) {
  const content = body === undefined ? {} : { "content-type": "application/json" };
  const answer = await fetch(`${running.address}/api/v1${path}`, {
    method,
    headers: { authorization: `Bearer ${key}`, ...content, ...headers },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await answer.text();
  const parsed = text.startsWith("{") ? (JSON.parse(text) as Record<string, unknown>) : {};
  return { status: answer.status, headers: answer.headers, body: parsed };
}

test("a team, a person, a project and an allocation are made, read, changed and deleted", async ({
  context,
  ...t
}) => {
  const make = async (path: string, body: unknown): Promise<string> => {
    const { status, headers, body: made } = await ask(context, path, { method: "POST", body });
    t.is(status, 201, JSON.stringify(made));
    t.is(headers.get("location"), `/api/v1${path}/${String(made["id"])}`);
    return String(made["id"]);
  };
  const team = await make("/teams", { name: "Web", costCentre: "CC1" });
  const person = await make("/employees", { email: "Ada@Example.com", name: "Ada", primaryTeamId: team });
  const project = await make("/projects", { name: "Shop", marker: "github.com/acme/shop" });
  const allocation = await make("/allocations", {
    employeeId: person,
    projectId: project,
    fte: 0.333333,
    fromDay: "2026-01-01",
  });
  const read = await ask(context, `/employees/${person}`);
  t.like(read.body, {
    email: "ada@example.com",
    name: "Ada",
    title: null,
    active: true,
    primaryTeamId: team,
  });
  t.is((await ask(context, `/allocations/${allocation}`)).body["fte"], 0.333333);

  const etag = read.headers.get("etag") ?? "";
  t.is((await ask(context, `/employees/${person}`, { headers: { "if-none-match": etag } })).status, 304);
  const rename = { method: "PATCH", body: { name: "Ada L." }, headers: { "if-match": etag } };
  const changed = await ask(context, `/employees/${person}`, rename);
  t.like(changed.body, { name: "Ada L.", email: "ada@example.com", version: 2 });
  t.is((await ask(context, `/employees/${person}`, rename)).status, 412);
  t.is((await ask(context, `/teams/${team}`, { method: "DELETE" })).status, 409);
  for (const path of [
    `/allocations/${allocation}`,
    `/employees/${person}`,
    `/projects/${project}`,
    `/teams/${team}`,
  ]) {
    t.is((await ask(context, path, { method: "DELETE" })).status, 204);
    t.is((await ask(context, path)).status, 404);
  }
  const { store } = context.running.installation;
  const entries = await readAudit(store.reader, context.running.context.orgId, { newest: 100 });
  t.deepEqual(
    entries.filter(({ target }) => target === person).map(({ action }) => action),
    ["employee.deleted", "employee.changed", "employee.created"],
  );
});

test("lists come in pages", async ({ context, ...t }) => {
  for (const name of ["p1", "p2", "p3"]) await ask(context, "/projects", { method: "POST", body: { name } });
  const first = await ask(context, "/projects?limit=2");
  t.is((first.body["data"] as unknown[]).length, 2);
  const second = await ask(context, `/projects?limit=2&cursor=${String(first.body["nextCursor"])}`);
  t.is(second.body["nextCursor"], null);
});

for (const [title, path, body] of [
  ["a person without an e-mail", "/employees", { name: "x" }],
  ["an e-mail that is none", "/employees", { email: "x" }],
  ["a team that does not exist", "/employees", { email: "t@example.com", primaryTeamId: "none" }],
  ["a field that does not exist", "/teams", { name: "x", salary: 1 }],
  ["an empty name", "/teams", { name: "  " }],
  [
    "more than one position",
    "/allocations",
    { employeeId: "e", projectId: "p", fte: 1.5, fromDay: "2026-01-01" },
  ],
  ["a list", "/teams", []],
  ["nothing", "/teams", undefined],
] as const) {
  test(`${title} is refused`, async ({ context, ...t }) => {
    const { status, headers, body: problem } = await ask(context, path, { method: "POST", body });
    t.is(status, 400);
    t.is(problem["code"], "FS_INPUT_INVALID");
    t.regex(headers.get("content-type") ?? "", /^application\/problem\+json/);
  });
}

test("an e-mail stands for one person", async ({ context, ...t }) => {
  const make = () => ask(context, "/employees", { method: "POST", body: { email: "one@example.com" } });
  t.is((await make()).status, 201);
  t.is((await make()).status, 409);
});

test("no team stands above itself", async ({ context, ...t }) => {
  const make = async (body: unknown) =>
    String((await ask(context, "/teams", { method: "POST", body })).body["id"]);
  const top = await make({ name: "top" });
  const low = await make({ name: "low", parentId: await make({ name: "middle", parentId: top }) });
  for (const parentId of [top, low]) {
    t.is((await ask(context, `/teams/${top}`, { method: "PATCH", body: { parentId } })).status, 400);
  }
});

for (const name of resourceNames) {
  test(`${name} are read with one permission and changed with another`, async ({ context, ...t }) => {
    const { running } = context;
    const other = { running, key: await running.apiKey("AI_INSIGHTS_VIEW") };
    t.is((await ask(other, `/${name}`)).status, 200);
    for (const [method, path] of [
      ["POST", ""],
      ["PATCH", "/x"],
      ["DELETE", "/x"],
    ] as const) {
      const body = method === "DELETE" ? {} : { body: {} };
      t.is((await ask(other, `/${name}${path}`, { method, ...body })).status, 403, method);
    }
    t.is((await ask({ running, key: await running.apiKey("DIRECTORY_UPDATE") }, `/${name}`)).status, 403);
    t.is((await ask({ running, key: "none" }, `/${name}`)).status, 401);
  });
}

test("there is no REST address for AI usage, and it says where to ask", async ({ context, ...t }) => {
  const { status, body } = await ask(context, "/ai-usage");
  t.is(status, 404);
  t.like(body, { code: "FS_NOT_FOUND", mcp: "/mcp", graphql: "/graphql" });
});

test("a further address of a person is set, listed, moved and removed", async ({ context, ...t }) => {
  const make = async (email: string): Promise<string> =>
    String((await ask(context, "/employees", { method: "POST", body: { email } })).body["id"]);
  const [ada, bob] = [await make("alias-ada@example.com"), await make("alias-bob@example.com")];
  const set = (email: string, employeeId: string | undefined) =>
    ask(context, `/aliases/${email}`, { method: "PUT", body: { employeeId } });
  t.like((await set("Countess@Example.com", ada)).body, { email: "countess@example.com", employeeId: ada });
  t.is((await set("countess@example.com", bob)).status, 200);
  t.deepEqual((await ask(context, `/aliases?employeeId=${ada}`)).body["data"], []);
  const { data } = (await ask(context, `/aliases?employeeId=${bob}`)).body as { data: object[] };
  t.like(data[0], { email: "countess@example.com", employeeId: bob });
  t.is((await set("alias-ada@example.com", bob)).status, 409);
  t.is((await set("countess@example.com", "nobody")).status, 404);
  t.is((await set("countess", ada)).status, 400);
  t.is((await set("countess@example.com", undefined)).status, 400);
  t.is((await ask(context, "/aliases/countess@example.com", { method: "DELETE" })).status, 204);
  t.is((await ask(context, "/aliases/countess@example.com", { method: "DELETE" })).status, 404);
});

test("the description names every address", async ({ context, ...t }) => {
  const { body } = await ask(context, "/openapi.json");
  t.is(body["openapi"], "3.1.0");
  const paths = Object.keys(body["paths"] as object);
  for (const name of resourceNames)
    t.true(paths.includes(`/api/v1/${name}`) && paths.includes(`/api/v1/${name}/{id}`));
  t.true(paths.includes("/api/v1/aliases") && paths.includes("/api/v1/aliases/{email}"));
});

test("sessions are exported line by line, for who may audit", async ({ context, ...t }) => {
  const { running } = context;
  const answer = await fetch(`${running.address}/api/v1/sessions`, {
    headers: { authorization: `Bearer ${context.key}` },
  });
  t.is(answer.headers.get("content-type"), "application/x-ndjson");
  t.is(await answer.text(), "");
  t.is((await ask({ running, key: await running.apiKey("AI_INSIGHTS_VIEW") }, "/sessions")).status, 403);
});

testOnBothEngines(
  "one organisation neither sees nor changes another's entities",
  async (t, { store, orgId }) => {
    const other = newOrgId();
    const now = Date.now();
    await store.transact((db) => createOrg(db, { orgId: other, slug: "other", now }));
    const change = { orgId: other, actor: "test", now };
    const { teams } = resources;
    const values = creationSchema(teams).parse({ name: "theirs" });
    const { id } = await store.transact((db) => createEntity(db, change, teams, values));
    t.deepEqual(await listEntities(store.reader, orgId, teams, { cursor: "", limit: 10 }), []);
    const mine = { ...change, orgId };
    const refused = { code: "FS_NOT_FOUND" };
    await t.throwsAsync(
      store.transact((db) => deleteEntity(db, mine, teams, { id, version: null })),
      refused,
    );
    const renamed = { id, version: null, values: { name: "mine" } };
    await t.throwsAsync(
      store.transact((db) => updateEntity(db, mine, teams, renamed)),
      refused,
    );
    const below = creationSchema(teams).parse({ name: "below", parentId: id });
    await t.throwsAsync(
      store.transact((db) => createEntity(db, mine, teams, below)),
      { code: "FS_INPUT_INVALID" },
    );
    const again = { id, version: 1n, values: { name: "still theirs" } };
    t.is(
      (await store.transact((db) => updateEntity(db, change, teams, again))).values["name"],
      "still theirs",
    );
  },
);

const file = `email,name,team,manager,active
ada@example.com,Ada,Engineering / Web,grace@example.com,true
grace@example.com,"Hopper, Grace",Engineering,,
`;

testOnBothEngines(
  "a file of people is previewed, imported, and imported again",
  async (t, { store, orgId }) => {
    const change = { orgId, actor: "test", now: Date.now() };
    const people = () => listEntities(store.reader, orgId, resources.employees, { cursor: "", limit: 10 });
    const expected = { people: 2, created: 2, changed: 0, teamsCreated: 2, faults: [] };
    t.deepEqual(await importDirectory(store, change, { text: file, preview: true }), {
      ...expected,
      imported: false,
    });
    t.deepEqual(await people(), []);
    t.deepEqual(await importDirectory(store, change, { text: file, preview: false }), {
      ...expected,
      imported: true,
    });
    const [ada, grace] = [...(await people())].sort((a, b) =>
      String(a.values["email"]) < String(b.values["email"]) ? -1 : 1,
    );
    t.is(ada?.values["managerId"], grace?.id);
    t.is(grace?.values["name"], "Hopper, Grace");
    t.like(await importDirectory(store, change, { text: file, preview: false }), {
      created: 0,
      changed: 2,
      teamsCreated: 0,
    });
    const circle = file.replace(",Engineering,,", ",Engineering,ada@example.com,");
    const refused = await importDirectory(store, change, { text: circle, preview: false });
    t.like(refused, {
      imported: false,
      faults: [{ line: 3, detail: "manager: no employee can stand above itself" }],
    });
  },
);

for (const [title, text, line] of [
  ["no header", "ada@example.com\n", 1],
  ["a strange column", "email,salary\n", 1],
  ["a column twice", "email,email\n", 1],
  ["a bad e-mail", "email\nada@example.com\nnobody\n", 3],
  ["an e-mail twice", "email\nada@example.com\nADA@example.com\n", 3],
  ["a bad flag", "email,active\nada@example.com,perhaps\n", 2],
  ["an open quote", 'email\n"ada', 1],
  ["nothing", "", 1],
] as const) {
  test(`a file with ${title} is refused by line ${line}`, (t) => {
    t.deepEqual(
      readDirectoryFile(text).faults.map((fault) => fault.line),
      [line],
    );
  });
}

test("no text makes the reader of directory files throw", (t) => {
  fc.assert(fc.property(fc.string(), (text) => t.notThrows(() => readDirectoryFile(`email,name\n${text}`))));
});
