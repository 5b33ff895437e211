/** The program as a user meets it: commands, exit codes, bad starts, backup and restore, being killed. */
import { randomBytes, randomUUID } from "node:crypto";
import { once } from "node:events";
import { existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { join } from "node:path";
import test from "ava";
import { openSqlite } from "@flowstate/shared/sqlite";
import { temporaryFolder } from "@flowstate/shared/testing/temp";
import { until } from "@flowstate/shared/testing/until";
import { hourOf } from "@flowstate/shared/time";
import { control, serve, stop } from "./support/program.ts";

const json = async (dataDir: string, ...args: readonly string[]): Promise<Record<string, unknown>> => {
  const { stdout, stderr } = await control(dataDir, [...args, "--json"]);
  if (stdout === "") throw new Error(stderr);
  return JSON.parse(stdout) as Record<string, unknown>;
};

const oneLine = /^[^\n]+\n$/;
const org = ["--org", "default"];

test("commands answer with documented JSON, with the server stopped and running", async (t) => {
  using folder = temporaryFolder();
  const dataDir = join(folder.path, "data");
  const first = await json(dataDir, "org-key", "provision", ...org);
  t.deepEqual(Object.keys(first), ["key", "keyId", "revokedKeyId"]);
  t.is(first["revokedKeyId"], null);
  const served = await serve(dataDir);
  t.truthy(served.signInLink, "the command made the organisation, and the first server gives the way in");
  const second = await json(dataDir, "org-key", "provision", ...org);
  t.is(second["revokedKeyId"], first["keyId"]);
  const apiKey = await json(
    dataDir,
    "api-key",
    "create",
    ...org,
    "--name",
    "n",
    "--permissions",
    "AUDIT_VIEW,AI_INSIGHTS_VIEW",
  );
  t.like(apiKey, { permissions: ["AI_INSIGHTS_VIEW", "AUDIT_VIEW"] });
  const enrolment = await json(dataDir, "proxy", "enrol", ...org, "--name", "p");
  t.deepEqual(Object.keys(enrolment), ["token", "keyId"]);
  const snapshot = await fetch(`${served.address}/ingest/v1/snapshot`, {
    headers: { authorization: `Bearer ${String(enrolment["token"])}` },
  });
  t.like(await snapshot.json(), { keys: [{ keyId: second["keyId"] }] });
  t.is(await stop(served), 0);
  t.like(await control(dataDir, ["audit", "verify"]), { code: 0, stdout: "default: 6 entries, unbroken\n" });
  t.is((await control(dataDir, ["doctor"])).code, 0);
  t.is((await control(dataDir, ["org", "create", "second"])).code, 0);
  const invited = await control(dataDir, [
    "user",
    "invite",
    "a@example.com",
    "--role",
    "viewer",
    "--org",
    "second",
  ]);
  t.regex(invited.stdout, /^http:\/\/127\.0\.0\.1:\d+\/sign-in\/link\/[\w-]{43}\n$/);
  for (const name of ["control-plane.db", "master.key"]) {
    t.is(statSync(join(dataDir, name)).mode & 0o077, 0, `${name} is for its owner alone`);
  }
});

const wrongCommands: readonly [args: readonly string[], code: number, words: RegExp][] = [
  [["nonsense"], 64, /unknown command/],
  [["org-key", "provision"], 64, /--org/],
  [["org-key", "provision", "--org", "nobody"], 66, /no organisation "nobody"/],
  [["org", "create", "Not A Slug"], 65, /short name/],
  [["org", "create", "default"], 65, /already/],
  [
    ["api-key", "create", ...org, "--name", "n", "--permissions", "EVERYTHING"],
    65,
    /"EVERYTHING" is not a permission/,
  ],
  [["user", "invite", "nobody", "--role", "viewer"], 65, /not an e-mail/],
  [["user", "invite", "a@example.com", "--role", "king"], 65, /"king" is not a role/],
  [["restore", "/nonexistent/file"], 66, /does not exist/],
];

test("a wrong command is one line on standard error, and its exit code says what kind of mistake", async (t) => {
  using folder = temporaryFolder();
  await control(folder.path, ["org-key", "provision", ...org]);
  for (const [args, code, words] of wrongCommands) {
    const result = await control(folder.path, args);
    t.is(result.code, code, `${args.join(" ")}: ${result.stderr}`);
    t.regex(result.stderr, oneLine);
    t.regex(result.stderr, words);
    t.is(result.stdout, "");
  }
});

test("a bad start is one line, ends under a supervisor too, and changes nothing", async (t) => {
  using folder = temporaryFolder();
  const good = join(folder.path, "good");
  await control(good, ["migrate"]);
  const damaged = join(folder.path, "damaged");
  await control(damaged, ["migrate"]);
  const damage = randomBytes(8192);
  writeFileSync(join(damaged, "control-plane.db"), damage);
  const file = join(folder.path, "file");
  writeFileSync(file, "mine");
  const other = createServer().listen(0, "127.0.0.1");
  await once(other, "listening");
  const taken = String((other.address() as AddressInfo).port);
  const cases: readonly [dataDir: string, env: NodeJS.ProcessEnv, code: number, words: RegExp][] = [
    [good, { FLOWSTATE_HTTP_PORT: "eighty" }, 78, /FLOWSTATE_HTTP_PORT is "eighty"/],
    [good, { FLOWSTATE_HTTP_HOST: "0.0.0.0" }, 78, /FLOWSTATE_PUBLIC_URL/],
    [good, { FLOWSTATE_PUBLIC_URL: "http://flowstate.example.com" }, 78, /https/],
    [good, { DATABASE_URL: "mysql://x" }, 78, /DATABASE_URL/],
    [good, { DATABASE_URL: "postgres://u:geheim@127.0.0.1:1/d" }, 69, /127\.0\.0\.1:1\/d/],
    [good, { FLOWSTATE_MASTER_KEY: randomBytes(32).toString("base64") }, 78, /another master key/],
    [good, { FLOWSTATE_MASTER_KEY: "short" }, 78, /32 bytes/],
    [good, { FLOWSTATE_HTTP_PORT: taken }, 69, new RegExp(taken)],
    [file, {}, 74, /file/],
    [damaged, {}, 74, /control-plane\.db is damaged.*flowstate-control restore FILE/],
    ["/sys/flowstate", {}, 74, /\/sys\/flowstate/],
  ];
  for (const [dataDir, env, code, words] of cases) {
    const result = await control(dataDir, ["serve"], { FLOWSTATE_LOG_LEVEL: "silent", ...env }, ["ipc"]);
    t.is(result.code, code, result.stderr);
    t.regex(result.stderr, oneLine);
    t.regex(result.stderr, words);
    t.false(result.stderr.includes("geheim"));
  }
  other.close();
  t.is(readFileSync(file, "utf8"), "mine");
  t.deepEqual(readFileSync(join(damaged, "control-plane.db")), damage);
  t.is((await control(good, ["doctor"])).code, 0, "and the good one is as good as before");
});

test("a changed audit entry is named by its number", async (t) => {
  using folder = temporaryFolder();
  for (let entry = 0; entry < 3; entry += 1) await control(folder.path, ["org-key", "provision", ...org]);
  const db = openSqlite(join(folder.path, "control-plane.db"));
  t.throws(() => db.exec("UPDATE audit_log SET actor = 'nobody' WHERE sequence = 4"), {
    message: /append-only/,
  });
  t.throws(() => db.exec("DELETE FROM audit_log"), { message: /append-only/ });
  db.exec("DROP TRIGGER audit_log_no_update; UPDATE audit_log SET actor = 'nobody' WHERE sequence = 4");
  db.close();
  const { code, stderr } = await control(folder.path, ["audit", "verify"]);
  t.is(code, 74);
  t.regex(stderr, /default: entry 4 was changed/);
  t.is((await control(folder.path, ["doctor"])).code, 69);
});

test("a backup of a running server restores, and a restore over a running server is refused", async (t) => {
  using folder = temporaryFolder();
  const dataDir = join(folder.path, "data");
  const copy = join(folder.path, "copy.db");
  const served = await serve(dataDir);
  const kept = await json(dataDir, "org-key", "provision", ...org);
  t.is((await control(dataDir, ["backup", copy])).code, 0);
  const again = await control(dataDir, ["backup", copy]);
  t.is(again.code, 65);
  t.regex(again.stderr, /exists already/);
  await json(dataDir, "org-key", "provision", ...org);
  const refused = await control(dataDir, ["restore", copy]);
  t.is(refused.code, 65, refused.stderr);
  t.regex(refused.stderr, /stop the control plane first/);
  await stop(served);
  const broken = join(folder.path, "broken.db");
  writeFileSync(broken, randomBytes(8192));
  t.is((await control(dataDir, ["restore", broken])).code, 74);
  const otherKey = { FLOWSTATE_MASTER_KEY: randomBytes(32).toString("base64") };
  t.is((await control(dataDir, ["restore", copy], otherKey)).code, 78);
  t.like(await control(dataDir, ["restore", copy]), { code: 0 });
  const next = await json(dataDir, "org-key", "provision", ...org);
  t.is(next["revokedKeyId"], kept["keyId"], "what came after the backup is gone");
  t.true(existsSync(join(dataDir, "control-plane.db.before-restore")));
});

test("it ends when whoever started it is gone", async (t) => {
  using folder = temporaryFolder();
  const { child } = await serve(folder.path);
  const exited = once(child, "exit") as Promise<[number | null]>;
  child.disconnect();
  t.is((await exited)[0], 0);
});

test("killed again and again while it takes meter rows: the database opens clean, nothing is lost or double", async (t) => {
  using folder = temporaryFolder();
  const { token } = await json(folder.path, "proxy", "enrol", ...org, "--name", "p");
  const { key } = await json(
    folder.path,
    "api-key",
    "create",
    ...org,
    "--name",
    "n",
    "--permissions",
    "AI_INSIGHTS_VIEW",
  );
  const source = randomUUID();
  const hour = hourOf(Date.now());
  let served = await serve(folder.path);
  const snapshot = await fetch(`${served.address}/ingest/v1/snapshot`, {
    headers: { authorization: `Bearer ${String(token)}` },
  });
  const { orgs } = (await snapshot.json()) as { orgs: { orgId: string }[] };
  const batchOf = (number: number): string =>
    JSON.stringify({
      source,
      batch: randomUUID(),
      rows: Array.from({ length: 100 }, (_, index) => ({
        seq: number * 100 + index,
        orgId: orgs[0]?.orgId,
        subject: `s${index % 5}@example.com`,
        host: `h${index % 20}.example.com`,
        hour,
        tunnels: 1,
        failedTunnels: 0,
        requests: 0,
        estimatedRequests: 0,
        estimateMethod: null,
        bytesUp: 1,
        bytesDown: 1,
        firstSeenAt: hour,
        lastSeenAt: hour,
      })),
    });

  const done = new AbortController();
  let acknowledged = 0;
  const deliverAll = async (): Promise<void> => {
    while (!done.signal.aborted) {
      const body = batchOf(acknowledged);
      const sent = () =>
        fetch(`${served.address}/ingest/v1/meter`, {
          method: "POST",
          headers: { authorization: `Bearer ${String(token)}` },
          body,
        }).then(
          (answer) => answer.status === 200,
          () => false,
        );
      await until("the batch to be taken", sent);
      acknowledged += 1;
    }
  };
  const delivering = deliverAll();
  for (let round = 0; round < 5; round += 1) {
    const before = acknowledged;
    await until("some batches", () => acknowledged > before + 3);
    await stop(served, "SIGKILL");
    served = await serve(folder.path);
  }
  done.abort();
  await delivering;
  const answer = await fetch(`${served.address}/graphql`, {
    method: "POST",
    headers: { "content-type": "application/json", authorization: `Bearer ${String(key)}` },
    body: '{"query":"{ subjectMeter { tunnels } }"}',
  });
  const { data } = (await answer.json()) as { data: { subjectMeter: { tunnels: string }[] } };
  const tunnels = data.subjectMeter.reduce((sum, row) => sum + Number(row.tunnels), 0);
  t.is(tunnels, acknowledged * 100);
  await stop(served);
  const db = openSqlite(join(folder.path, "control-plane.db"));
  t.is(db.pragma("integrity_check", { simple: true }), "ok");
  t.is(db.prepare("SELECT received FROM meter_sources").pluck().get(), `0-${acknowledged * 100 - 1}`);
  db.close();
  t.is((await control(folder.path, ["audit", "verify"])).code, 0);
});
