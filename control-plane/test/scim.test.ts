/** SCIM 2.0 as identity providers speak it: each exchange has the shape that Entra or Okta sends. */
import anyTest, { type TestFn } from "ava";
import fc from "fast-check";
import { parseFilter } from "../src/serve/scim/filter.ts";
import { applyPatch } from "../src/serve/scim/patch.ts";
import { startRunning, type Running } from "./support/running.ts";

const test = anyTest as TestFn<{ running: Running; key: string; viewer: string }>;
const user = "urn:ietf:params:scim:schemas:core:2.0:User";
const enterprise = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
const patchOp = "urn:ietf:params:scim:api:messages:2.0:PatchOp";

test.before(async (t) => {
  const running = await startRunning();
  t.context = {
    running,
    key: await running.apiKey("DIRECTORY_UPDATE", "AI_INSIGHTS_VIEW"),
    viewer: await running.apiKey("AI_INSIGHTS_VIEW"),
  };
});
test.after.always(({ context }) => context.running[Symbol.asyncDispose]());

interface Asked {
  readonly method?: string;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  readonly key?: string;
}

type Json = Readonly<Record<string, unknown>>;

async function ask(
  context: { readonly running: Running; readonly key: string },
  path: string,
  { method = "GET", body, headers = {}, key = context.key }: Asked = {},
) {
  const answer = await fetch(`${context.running.address}/scim/v2${path}`, {
    method,
    headers: {
      authorization: `Bearer ${key}`,
      ...(body === undefined ? {} : { "content-type": "application/scim+json" }),
      ...headers,
    },
    ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) }),
  });
  const text = await answer.text();
  return {
    status: answer.status,
    headers: answer.headers,
    body: (text === "" ? {} : JSON.parse(text)) as Json,
  };
}

type Context = { readonly running: Running; readonly key: string };

const make = async (context: Context, path: string, body: unknown): Promise<string> => {
  const answer = await ask(context, path, { method: "POST", body });
  if (answer.status !== 201) throw new Error(JSON.stringify(answer.body));
  return String(answer.body["id"]);
};

const person = (email: string, more: Json = {}): Json => ({
  schemas: [user, enterprise],
  userName: email,
  externalId: `ext-${email}`,
  active: true,
  displayName: "Ada Lovelace",
  emails: [{ primary: true, type: "work", value: email }],
  name: { formatted: "Ada Lovelace", givenName: "Ada", familyName: "Lovelace" },
  ...more,
});

const patch = (...operations: readonly Json[]): Asked => ({
  method: "PATCH",
  body: { schemas: [patchOp], Operations: operations },
});

const find = async (context: Context, path: string, filter: string) => {
  const { body } = await ask(context, `${path}?filter=${encodeURIComponent(filter)}`);
  return body as Json & { readonly Resources: readonly Json[] };
};

test("a user is made, read, found, replaced and deleted", async ({ context, ...t }) => {
  const made = await ask(context, "/Users", { method: "POST", body: person("Crud@Example.com") });
  t.is(made.status, 201);
  t.is(made.headers.get("content-type"), "application/scim+json; charset=utf-8");
  const id = String(made.body["id"]);
  t.is(made.headers.get("location"), `/scim/v2/Users/${id}`);
  t.like(made.body, {
    userName: "crud@example.com",
    externalId: "ext-Crud@Example.com",
    displayName: "Ada Lovelace",
    active: true,
    emails: [{ value: "crud@example.com", type: "work", primary: true }],
  });
  t.like(made.body["meta"], { resourceType: "User", version: 'W/"1"' });
  t.deepEqual((await ask(context, `/Users/${id}`)).body, made.body);
  const found = await find(context, "/Users", 'userName eq "CRUD@example.com"');
  t.deepEqual([found["totalResults"], found.Resources[0]?.["id"]], [1, id]);
  const put = { method: "PUT", body: person("crud@example.com", { title: "Countess" }) };
  t.like((await ask(context, `/Users/${id}`, put)).body, { title: "Countess" });
  t.is((await ask(context, `/Users/${id}`, { method: "DELETE" })).status, 204);
  t.is((await ask(context, `/Users/${id}`)).status, 404);
});

test("what Entra sends to change a user is done", async ({ context, ...t }) => {
  const boss = await make(context, "/Users", person("boss@example.com"));
  const id = await make(context, "/Users", person("entra@example.com"));
  const changes: readonly (readonly [Json, Json])[] = [
    [{ op: "Replace", path: "active", value: "False" }, { active: false }],
    [
      { op: "Replace", value: { active: true, title: "Engineer" } },
      { active: true, title: "Engineer" },
    ],
    [{ op: "Replace", path: "displayName", value: "Ada King" }, { displayName: "Ada King" }],
    [
      { op: "Add", value: { "name.givenName": "Ada", "name.familyName": "Byron" } },
      { displayName: "Ada Byron" },
    ],
    [
      { op: "Replace", path: 'emails[type eq "work"].value', value: "entra@example.com" },
      { userName: "entra@example.com" },
    ],
    [
      { op: "Add", path: `${enterprise}:manager`, value: boss },
      { [enterprise]: { manager: { value: boss } } },
    ],
    [{ op: "Remove", path: "title" }, { active: true }],
  ];
  for (const [operation, expected] of changes) {
    const answer = await ask(context, `/Users/${id}`, patch(operation));
    t.is(answer.status, 200, JSON.stringify(answer.body));
    t.like(answer.body, expected, JSON.stringify(operation));
  }
  t.false("title" in (await ask(context, `/Users/${id}`)).body);
});

test("what Okta sends to take a user's access away is done", async ({ context, ...t }) => {
  const id = await make(context, "/Users", person("okta@example.com"));
  const off = await ask(context, `/Users/${id}`, patch({ op: "replace", value: { active: false } }));
  t.like(off.body, { active: false });
  const active = await find(context, "/Users", 'userName eq "okta@example.com" and active eq true');
  t.is(active["totalResults"], 0);
});

test("a group's people are added, removed and replaced as Entra and Okta ask", async ({ context, ...t }) => {
  const [ada, bob, cyd] = await Promise.all(
    ["g-ada", "g-bob", "g-cyd"].map((name) => make(context, "/Users", person(`${name}@example.com`))),
  );
  const group = { displayName: "Group one", members: [{ value: ada }] };
  const id = await make(context, "/Groups", group);
  const people = async (): Promise<unknown> =>
    ((await ask(context, `/Groups/${id}`)).body["members"] as readonly Json[]).map(({ value }) => value);
  t.deepEqual(await people(), [ada]);
  const changes: readonly (readonly [Json, readonly unknown[]])[] = [
    [{ op: "Add", path: "members", value: [{ value: bob }, { value: cyd }] }, [ada, bob, cyd]],
    [{ op: "Add", path: "members", value: [{ value: bob }] }, [ada, bob, cyd]],
    [{ op: "Remove", path: "members", value: [{ value: cyd }] }, [ada, bob]],
    [{ op: "remove", path: `members[value eq "${String(ada)}"]` }, [bob]],
    [{ op: "replace", path: "members", value: [{ value: ada, display: "x" }] }, [ada]],
    [{ op: "replace", value: { id, displayName: "Group uno" } }, [ada]],
    [{ op: "remove", path: "members" }, []],
  ];
  for (const [operation, expected] of changes) {
    const answer = await ask(context, `/Groups/${id}`, patch(operation));
    t.is(answer.status, 200, JSON.stringify(answer.body));
    t.deepEqual(await people(), expected, JSON.stringify(operation));
  }
  const found = await find(context, "/Groups", 'displayName eq "Group uno"');
  t.is(found.Resources[0]?.["id"], id);
  const bare = await ask(context, `/Groups/${id}?excludedAttributes=members`);
  t.false("members" in bare.body);
});

test("who is put into a group and is in no team yet counts for that team", async ({ context, ...t }) => {
  const ada = await make(context, "/Users", person("team@example.com"));
  const first = await make(context, "/Groups", { displayName: "First team", members: [{ value: ada }] });
  await make(context, "/Groups", { displayName: "Second team", members: [{ value: ada }] });
  const read = async () => {
    const answer = await fetch(`${context.running.address}/api/v1/employees/${ada}`, {
      headers: { authorization: `Bearer ${context.key}` },
    });
    return ((await answer.json()) as Json)["primaryTeamId"];
  };
  t.is(await read(), first);
  await ask(context, `/Groups/${first}`, patch({ op: "remove", path: "members" }));
  t.is(await read(), null);
});

test("a change that names a stranger changes nothing", async ({ context, ...t }) => {
  const id = await make(context, "/Groups", { displayName: "Strangers", members: [] });
  const operations = [
    { op: "replace", path: "displayName", value: "Changed" },
    { op: "add", path: "members", value: [{ value: "nobody" }] },
  ];
  const answer = await ask(context, `/Groups/${id}`, patch(...operations));
  t.is(answer.status, 400);
  t.like(answer.body, { scimType: "invalidValue", detail: 'members: there is no user "nobody"' });
  t.like((await ask(context, `/Groups/${id}`)).body, { displayName: "Strangers", members: [] });
});

test("a version that is no longer current is refused with 412, and an unchanged one is not sent again", async ({
  context,
  ...t
}) => {
  const id = await make(context, "/Users", person("etag@example.com"));
  const etag = (await ask(context, `/Users/${id}`)).headers.get("etag") ?? "";
  t.is((await ask(context, `/Users/${id}`, { headers: { "if-none-match": etag } })).status, 304);
  const retitle = patch({ op: "replace", path: "title", value: "Dr" });
  t.is((await ask(context, `/Users/${id}`, { ...retitle, headers: { "if-match": etag } })).status, 200);
  t.is((await ask(context, `/Users/${id}`, { ...retitle, headers: { "if-match": etag } })).status, 412);
});

test("a second user of the same name is refused with 409 uniqueness", async ({ context, ...t }) => {
  await make(context, "/Users", person("twice@example.com"));
  const again = await ask(context, "/Users", { method: "POST", body: person("TWICE@example.com") });
  t.is(again.status, 409);
  t.like(again.body, { status: "409", scimType: "uniqueness" });
});

test.serial("lists go page by page, from 1, with the total", async ({ context, ...t }) => {
  for (const name of ["p1", "p2", "p3"]) await make(context, "/Groups", { displayName: `Page ${name}` });
  const { totalResults } = (await ask(context, "/Groups?count=0")).body;
  const seen = new Set<unknown>();
  for (let start = 1; start <= Number(totalResults); start += 2) {
    const { body } = await ask(context, `/Groups?startIndex=${start}&count=2`);
    t.like(body, { totalResults, startIndex: start });
    for (const { id } of body["Resources"] as readonly Json[]) seen.add(id);
  }
  t.is(seen.size, Number(totalResults));
});

for (const [title, path, asked, status, part] of [
  ["a filter of another kind", '/Users?filter=userName sw "a"', {}, 400, { scimType: "invalidFilter" }],
  [
    "a filter by an attribute that is not kept",
    '/Users?filter=phone eq "1"',
    {},
    400,
    { scimType: "invalidFilter" },
  ],
  [
    "a body that is not JSON",
    "/Users",
    { method: "POST", body: "{" },
    400,
    { detail: "the body is not JSON" },
  ],
  [
    "a user without a name",
    "/Users",
    { method: "POST", body: {} },
    400,
    { detail: "userName: the person's work e-mail" },
  ],
  ["a group without a name", "/Groups", { method: "POST", body: {} }, 400, { scimType: "invalidValue" }],
  ["a user who is not there", "/Users/none", {}, 404, { status: "404" }],
  ["a key that is none", "/Users", { key: "no" }, 401, { status: "401" }],
] as const) {
  test(`${title} is refused with ${status} in SCIM's own form`, async ({ context, ...t }) => {
    const answer = await ask(context, path, asked);
    t.is(answer.status, status);
    t.like(answer.body, { schemas: ["urn:ietf:params:scim:api:messages:2.0:Error"], ...part });
  });
}

test("a key that may only look changes nothing", async ({ context, ...t }) => {
  const { viewer } = context;
  t.is((await ask(context, "/Users", { key: viewer })).status, 200);
  const write = await ask(context, "/Users", { key: viewer, method: "POST", body: person("no@example.com") });
  t.is(write.status, 403);
});

test("what the service can do is told", async ({ context, ...t }) => {
  const config = await ask(context, "/ServiceProviderConfig");
  t.like(config.body, { patch: { supported: true }, bulk: { supported: false }, etag: { supported: true } });
  const types = (await ask(context, "/ResourceTypes")).body["Resources"] as readonly Json[];
  t.deepEqual(
    types.map(({ name }) => name),
    ["User", "Group"],
  );
  const kept = (await ask(context, "/Schemas")).body["Resources"] as readonly Json[];
  t.deepEqual(
    kept.map(({ name }) => name),
    ["User", "EnterpriseUser", "Group"],
  );
});

test("no filter and no patch makes the readers throw", (t) => {
  const words = fc.constantFrom(
    "userName",
    "eq",
    "and",
    '"a"',
    "true",
    "members[",
    "]",
    "value",
    ".",
    "urn:x:",
    '"',
    "\\",
  );
  const path = fc.array(words, { maxLength: 6 }).map((parts) => parts.join(" ").replaceAll("[ ", "["));
  const hostile = fc.oneof(
    fc.jsonValue(),
    fc.constant({ toString: 1 }),
    fc.constant([{ value: { toString: 1 } }]),
  );
  const operation = fc.record({
    op: fc.oneof(fc.constantFrom("add", "Replace", "remove"), hostile),
    path: fc.oneof(
      path,
      fc.constantFrom("members", 'members[value eq "1"].display', "name.formatted", "constructor"),
      hostile,
    ),
    value: hostile,
  });
  const resource = { id: "1", name: { formatted: "A" }, members: [{ value: "1" }] };
  fc.assert(
    fc.property(
      fc.oneof(fc.string(), path),
      fc.array(fc.oneof(operation, hostile), { maxLength: 5 }),
      (text, operations) => {
        t.notThrows(() => parseFilter(text));
        t.notThrows(() => applyPatch(resource, { Operations: operations }));
      },
    ),
    { numRuns: 2000 },
  );
  t.deepEqual(resource, { id: "1", name: { formatted: "A" }, members: [{ value: "1" }] });
});
