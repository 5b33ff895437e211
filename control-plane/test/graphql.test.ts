/** What GraphQL answers: the contract that clients rely on, its bounds, its errors, and each operation's effect. */
import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { minifyIntrospection, outputIntrospectionFile } from "@gql.tada/internal";
import anyTest, { type TestFn } from "ava";
import { auditServer } from "graphql-http";
import {
  buildSchema,
  getIntrospectionQuery,
  introspectionFromSchema,
  isEnumType,
  isInterfaceType,
  isObjectType,
  printSchema,
  type GraphQLField,
} from "graphql";
import { until } from "@flowstate/shared/testing/until";
import { permissions } from "../src/access/permissions.ts";
import { schema } from "../src/serve/graphql/schema.ts";
import { viewerQuery } from "../web/src/operations/viewer.ts";
import type { Written } from "../web/src/operation.ts";
import { startRunning, type Running } from "./support/running.ts";

const test = anyTest as TestFn<{ running: Running; key: string }>;

test.beforeEach(async (t) => {
  const running = await startRunning();
  t.context = { running, key: await running.apiKey(...permissions) };
});

test.afterEach.always(({ context }) => context.running[Symbol.asyncDispose]());

const file = (name: string): string => readFileSync(new URL(name, import.meta.url), "utf8");

test("schema.graphql is the schema (UPDATE_GOLDEN=1 writes it)", (t) => {
  const printed = printSchema(schema);
  if (process.env["UPDATE_GOLDEN"] === "1")
    writeFileSync(new URL("../schema.graphql", import.meta.url), printed);
  // Both printed alike, because the file is formatted as every other.
  t.is(printSchema(buildSchema(file("../schema.graphql"))), printed);
});

test("the web application is typed by this schema (UPDATE_GOLDEN=1 writes it)", (t) => {
  const introspection = minifyIntrospection(introspectionFromSchema(schema, { descriptions: false }));
  const types = outputIntrospectionFile(introspection, { fileType: ".d.ts", shouldPreprocess: true });
  const path = "../web/generated/schema.d.ts";
  if (process.env["UPDATE_GOLDEN"] === "1") writeFileSync(new URL(path, import.meta.url), types);
  t.true(file(path) === types, `${path} is of another schema`);
});

test("names and types that clients rely on are as the contract has them", (t) => {
  const contract = buildSchema(file("fixtures/contract.graphql"));
  for (const [name, promised] of Object.entries(contract.getTypeMap())) {
    if (name.startsWith("__")) continue;
    const found = schema.getType(name);
    t.truthy(found, name);
    if (isEnumType(promised) && isEnumType(found)) {
      for (const { name: value } of promised.getValues()) t.truthy(found.getValue(value), `${name}.${value}`);
    }
    if (!isObjectType(promised) || !isObjectType(found)) continue;
    for (const field of Object.values(promised.getFields())) {
      const names = new Set(field.args.map((arg) => arg.name));
      t.is(
        signatureOf(found.getFields()[field.name], names),
        signatureOf(field, names),
        `${name}.${field.name}`,
      );
    }
  }
});

test("every type and field says what it is", (t) => {
  const silent = Object.values(schema.getTypeMap())
    .filter(
      ({ name }) => !name.startsWith("__") && !["String", "Boolean", "Int", "Float", "ID"].includes(name),
    )
    .flatMap((type) => {
      const fields = isObjectType(type) || isInterfaceType(type) ? Object.values(type.getFields()) : [];
      const values = isEnumType(type) ? type.getValues() : [];
      const members = [...fields, ...values, ...fields.flatMap(({ args }) => args)];
      return [type, ...members]
        .filter(({ description }) => !description)
        .map(({ name }) => `${type.name}.${name}`);
    });
  t.deepEqual(silent, []);
});

/** `(arg: Type = default): Type`; an argument may be added, so only those of the contract are compared. */
function signatureOf(field: GraphQLField<unknown, unknown> | undefined, names: ReadonlySet<string>): string {
  if (field === undefined) return "missing";
  const args = field.args
    .filter(({ name }) => names.has(name))
    .map((arg) => `${arg.name}: ${String(arg.type)} = ${JSON.stringify(arg.defaultValue)}`);
  return `(${args.sort().join(", ")}): ${String(field.type)}`;
}

const field = "apiKeys { keyId }";
const deep = (levels: number): string => `{ ${nested(levels)} }`;
const nested = (levels: number): string => (levels === 1 ? "a" : `a { ${nested(levels - 1)} }`);

const rowsOf = (limit: number | string): string =>
  `{ aiSpendReconciliation(limit: ${limit}) { id match { evidence { bits } shares { subject } } } }`;

const bounds: readonly [what: string, query: string, code: string | null][] = [
  ["fifteen aliases", `{ ${Array.from({ length: 15 }, (_, at) => `a${at}: ${field}`).join(" ")} }`, null],
  [
    "sixteen aliases",
    `{ ${Array.from({ length: 16 }, (_, at) => `a${at}: ${field}`).join(" ")} }`,
    "FS_TOO_LARGE",
  ],
  [
    "sixteen aliases in fragments",
    `{ ...a ...b } fragment a on Query { ${Array.from({ length: 8 }, (_, at) => `a${at}: ${field}`).join(" ")} }
      fragment b on Query { ${Array.from({ length: 8 }, (_, at) => `b${at}: ${field}`).join(" ")} }`,
    "FS_TOO_LARGE",
  ],
  ["nine levels", deep(9), "FS_TOO_LARGE"],
  ["the longest queue with its evidence", rowsOf(10_000), null],
  ["two of them", `{ a: ${rowsOf(10_000).slice(1, -1)} b: ${rowsOf(10_000).slice(1)}`, "FS_TOO_LARGE"],
  [
    "a longer one by a variable's default",
    rowsOf("$n").replace("{", "query ($n: Int = 20000) {"),
    "FS_TOO_LARGE",
  ],
  ["a thousand tokens too many", `{ ${"viewer { keyId } ".repeat(400)} }`, "FS_INPUT_INVALID"],
  ["a document that is no GraphQL", "{", "FS_INPUT_INVALID"],
  ["an unknown field", "{ nothing }", "FS_INPUT_INVALID"],
  ["the introspection query", getIntrospectionQuery(), null],
];

for (const [what, query, code] of bounds) {
  test(`${what}: ${code ?? "answered"}`, async (t) => {
    const { codes } = await t.context.running.graphql(t.context.key, query);
    if (code === null) t.deepEqual(codes, []);
    else t.true(codes.includes(code), codes.join());
  });
}

test("an operation of the web application is asked for by its hash, and no other", async (t) => {
  const { running, key } = t.context;
  const ask = async (sha256Hash: string) => {
    const answer = await fetch(`${running.address}/graphql`, {
      method: "POST",
      headers: { "content-type": "application/json", authorization: `Bearer ${key}` },
      body: JSON.stringify({ extensions: { persistedQuery: { version: 1, sha256Hash } } }),
    });
    return (await answer.json()) as { data?: unknown; errors?: { extensions: { code: string } }[] };
  };
  const { text } = viewerQuery as unknown as Written;
  const answer = await ask(createHash("sha256").update(text).digest("hex"));
  t.like(answer, { data: { viewer: { email: null } } });
  t.is((await ask("0".repeat(64))).errors?.[0]?.extensions.code, "FS_NOT_FOUND");
});

test("a body of more than 100 kB is refused, and so is a batch", async (t) => {
  const { running, key } = t.context;
  const large = await running.graphql(key, `{ viewer { keyId } } #${"x".repeat(100_000)}`);
  t.is(large.status, 413);
  const answer = await fetch(`${running.address}/graphql`, {
    method: "POST",
    headers: { "content-type": "application/json", authorization: `Bearer ${key}` },
    body: '[{"query":"{ viewer { keyId } }"}]',
  });
  t.is(answer.status, 400);
});

const inputs: readonly [call: string, code: string][] = [
  ['{ subjectMeter(period: "2026-13") { subject } }', "FS_INPUT_INVALID"],
  ["{ auditLog(limit: 0) { sequence } }", "FS_INPUT_INVALID"],
  ["{ auditLog(limit: 1001) { sequence } }", "FS_INPUT_INVALID"],
  ['mutation { setSubjectQuota(subject: "nobody", quota: "5") }', "FS_INPUT_INVALID"],
  ['mutation { setSubjectQuota(quota: "-5") }', "FS_INPUT_INVALID"],
  ['mutation { setSubjectQuota(quota: "1.5") }', "FS_INPUT_INVALID"],
  ['mutation { setSubjectQuota(quota: "9223372036854775808") }', "FS_INPUT_INVALID"],
  ['mutation { createApiKey(name: " ", permissions: [AUDIT_VIEW]) { keyId } }', "FS_INPUT_INVALID"],
  ['mutation { createApiKey(name: "n", permissions: []) { keyId } }', "FS_INPUT_INVALID"],
  [
    'mutation { createApiKey(name: "n", permissions: [AUDIT_VIEW], expiresAt: "2001-01-01T00:00:00Z") { keyId } }',
    "FS_INPUT_INVALID",
  ],
  ['mutation { inviteMember(email: "nobody", role: VIEWER) { signInLink } }', "FS_INPUT_INVALID"],
  ['mutation { removeMember(id: "none") }', "FS_NOT_FOUND"],
];

for (const [call, code] of inputs) {
  test(`${call} -> ${code}`, async (t) => {
    t.deepEqual((await t.context.running.graphql(t.context.key, call)).codes, [code]);
  });
}

test("provisioning reveals a key once and revokes the one before", async (t) => {
  const { running, key } = t.context;
  const provision = async () => {
    const { data } = await running.graphql(key, "mutation { provisionOrgKey { key keyId revokedKeyId } }");
    return data["provisionOrgKey"] as { key: string; keyId: string; revokedKeyId: string | null };
  };
  const first = await provision();
  t.regex(first.key, /^fsk_[A-Za-z0-9]{8}_[A-Za-z0-9]{43}_[A-Za-z0-9]{6}$/);
  t.is(first.revokedKeyId, null);
  const second = await provision();
  t.is(second.revokedKeyId, first.keyId);
  const { data } = await running.graphql(
    key,
    "{ cloudProxyStatus { state keyId stale } auditLog(limit: 2) { action target detail actor } }",
  );
  t.deepEqual(data["cloudProxyStatus"], { state: "PENDING", keyId: second.keyId, stale: false });
  t.like((data["auditLog"] as object[])[0], {
    action: "org_key.provisioned",
    target: `fsk_${second.keyId}…`,
    detail: `revokes fsk_${first.keyId}…`,
  });
  t.false(JSON.stringify(data).includes(second.key));
});

test("a revoked or expired API key stops working within a second or so", async (t) => {
  const { running, key } = t.context;
  const soon = new Date(Date.now() + 4000).toISOString();
  const make = async (expiresAt: string | null) => {
    const { data } = await running.graphql(
      key,
      'mutation ($at: DateTime) { createApiKey(name: "n", permissions: [AUDIT_VIEW], expiresAt: $at) { key keyId } }',
      { at: expiresAt },
    );
    return data["createApiKey"] as { key: string; keyId: string };
  };
  const [kept, expiring] = [await make(null), await make(soon)];
  const works = async (each: { key: string }) =>
    (await running.graphql(each.key, "{ viewer { keyId } }")).status === 200;
  t.true(await works(kept));
  t.true(await works(expiring));
  await running.graphql(key, "mutation ($id: String!) { revokeApiKey(keyId: $id) }", { id: kept.keyId });
  for (const each of [kept, expiring])
    await until("the key to stop working", async () => !(await works(each)), 15_000);
  t.pass();
});

test("members are invited, change roles and leave, but never the last owner", async (t) => {
  const { running, key } = t.context;
  const invite = async (email: string, role: string) =>
    running.graphql(
      key,
      "mutation ($e: String!, $r: Role!) { inviteMember(email: $e, role: $r) { member { id role hasPassword } signInLink } }",
      { e: email, r: role },
    );
  const { data } = await invite("New@Example.com", "FINANCE");
  const { member, signInLink } = data["inviteMember"] as { member: { id: string }; signInLink: string };
  t.true(signInLink.startsWith(`${running.address}/sign-in/link/`));
  t.deepEqual((await invite("new@example.com", "OWNER")).codes, ["FS_CONFLICT"]);
  t.deepEqual((await invite("new@example.com", "FINANCE")).codes, []);
  const setRole = (id: string, role: string) =>
    running.graphql(key, "mutation ($i: ID!, $r: Role!) { setMemberRole(id: $i, role: $r) { role } }", {
      i: id,
      r: role,
    });
  const members = await running.graphql(key, "{ members { id email role } }");
  const owner = (members.data["members"] as { id: string; role: string }[]).find(
    ({ role }) => role === "OWNER",
  );
  t.deepEqual((await setRole(owner?.id ?? "", "VIEWER")).codes, ["FS_CONFLICT"]);
  t.deepEqual((await setRole(member.id, "OWNER")).data, { setMemberRole: { role: "OWNER" } });
  t.deepEqual((await setRole(owner?.id ?? "", "VIEWER")).codes, []);
  const removed = await running.graphql(key, "mutation ($i: ID!) { removeMember(id: $i) }", { i: owner?.id });
  t.deepEqual(removed.data, { removeMember: true });
});

test("it speaks GraphQL over HTTP as the specification's own audit asks", async (t) => {
  const { running, key } = t.context;
  const fetchFn = (url: string, init: RequestInit = {}) => {
    const headers = new Headers(init.headers);
    headers.set("authorization", `Bearer ${key}`);
    return fetch(url, { ...init, headers });
  };
  const results = await auditServer({ url: `${running.address}/graphql`, fetchFn });
  t.true(results.length > 50);
  const failed = results.flatMap((result) =>
    result.status === "ok" ? [] : [`${result.id} ${result.name}: ${result.reason}`],
  );
  t.deepEqual(failed, []);
});
