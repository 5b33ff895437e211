/** Releases of the agent: taken whole or not at all, offered to devices alone, and their programs in parts. */
import { spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { existsSync, mkdirSync, readdirSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import test from "ava";
import * as v from "valibot";
import { generateReleaseKey } from "@flowstate/shared/release-signature";
import { basicCredential } from "@flowstate/shared/net/basic-auth";
import type { Subject } from "@flowstate/shared/subject";
import { temporaryFolder } from "@flowstate/shared/testing/temp";
import { until } from "@flowstate/shared/testing/until";
import { releaseList } from "@flowstate/shared/wire/release";
import { provisionOrgKey } from "../src/keys/provision.ts";
import { listAgents } from "../src/releases/agents.ts";
import { createShelf } from "../src/releases/shelf.ts";
import { ingestSessions } from "../src/usage/ingest.ts";
import { testOnBothEngines } from "./support/both-engines.ts";
import { packageRelease } from "./support/packaged.ts";
import { control, main } from "./support/program.ts";
import { startRunning, type Running } from "./support/running.ts";

const noConfirmation = async (): Promise<void> => undefined;

async function deviceHeaders({
  installation,
  context,
}: Running): Promise<{ readonly authorization: string }> {
  const { key } = await installation.store.transact((db) => provisionOrgKey(db, context));
  return { authorization: basicCredential({ user: "ada@example.com", password: key }) };
}

test("commands offer, list and remove releases, and each stands in the audit log", async (t) => {
  using folder = temporaryFolder();
  const dataDir = join(folder.path, "data");
  await control(dataDir, ["org-key", "provision", "--org", "default"]);
  const { privatePem, publicKey } = generateReleaseKey();
  const signed = packageRelease(folder.path, { version: "1.10.0", signKey: privatePem });
  const unsigned = packageRelease(folder.path, { version: "1.9.0", platform: "darwin-arm64" });
  const added = await control(dataDir, ["releases", "add", signed.folder, "--channel", "beta"]);
  t.is(added.stderr, "");
  t.is(added.stdout, `1.10.0  linux-x64  beta  0 MB  2026-11-20T10:00:00Z  signed with ${publicKey}\n`);
  const other = await control(dataDir, ["releases", "add", unsigned.folder, "--channel", "stable"]);
  t.regex(other.stdout, /not signed\nIt is not signed: agents tell of it and do not install it/);
  t.like(await control(dataDir, ["releases", "add", signed.folder, "--channel", "stable"]), { code: 0 });
  const listed = await control(dataDir, ["releases", "list", "--json"]);
  t.deepEqual(v.parse(releaseList, JSON.parse(listed.stdout)).releases, [
    { ...signed.manifest, channel: "stable" },
    { ...unsigned.manifest, channel: "stable" },
  ]);
  const removed = await control(dataDir, ["releases", "remove", "1.9.0", "--platform", "darwin-arm64"]);
  t.is(removed.stdout, "1.9.0 for darwin-arm64 is no more offered\n");
  t.deepEqual(readdirSync(join(dataDir, "releases")), ["linux-x64@1.10.0"]);
  t.is(
    (await control(dataDir, ["audit", "verify"])).stdout,
    "default: 7 entries, unbroken\n",
    "four of them are of releases",
  );

  const changed = packageRelease(folder.path, { version: "1.10.0", signKey: privatePem });
  const swapped = packageRelease(folder.path, { version: "1.11.0" });
  writeFileSync(join(swapped.folder, "flowstate-linux-x64"), Buffer.alloc(4000));
  const shorter = packageRelease(folder.path, { version: "1.11.0" });
  truncateSync(join(shorter.folder, "flowstate-linux-x64"), 100);
  const climbing = packageRelease(folder.path, { version: "1.11.0" });
  const escape = JSON.stringify({ ...climbing.manifest, version: "1.0.0/../../../escape" });
  writeFileSync(join(climbing.folder, "release.json"), escape);
  const wrong: readonly [args: readonly string[], code: number, words: RegExp][] = [
    [["add", changed.folder, "--channel", "beta"], 65, /another 1\.10\.0 for linux-x64 is there/],
    [["add", swapped.folder, "--channel", "beta"], 65, /is not the program that release\.json describes/],
    [["add", shorter.folder, "--channel", "beta"], 65, /is not the program that release\.json describes/],
    [["add", climbing.folder, "--channel", "beta"], 65, /release\.json is no manifest of a release/],
    [["add", folder.path, "--channel", "beta"], 66, /release\.json cannot be read/],
    [["add", signed.folder, "--channel", "nightly"], 65, /stable or beta/],
    [["remove", "7.7.7"], 66, /no release 7\.7\.7/],
  ];
  for (const [args, code, words] of wrong) {
    const result = await control(dataDir, ["releases", ...args]);
    t.is(result.code, code, result.stderr);
    t.regex(result.stderr, words);
    t.regex(result.stderr, /^[^\n]+\n$/);
  }
  t.deepEqual(readdirSync(join(dataDir, "releases")), ["linux-x64@1.10.0"], "what was refused left nothing");
});

test("devices alone are offered releases, and fetch a program whole, in parts, or not again", async (t) => {
  await using running = await startRunning();
  const headers = await deviceHeaders(running);
  using folder = temporaryFolder();
  const shelf = createShelf(join(running.dataDir, "releases"));
  const here = packageRelease(folder.path, { version: "2.0.0" });
  const elsewhere = packageRelease(folder.path, { version: "2.0.0", platform: "darwin-arm64" });
  const { manifest, program } = here;
  const ask = (path: string, more: Record<string, string> = {}): Promise<Response> =>
    fetch(`${running.address}/ingest/v1/releases${path}`, { headers: { ...headers, ...more } });

  t.deepEqual(await (await ask("?platform=linux-x64")).json(), { releases: [] }, "before there is a folder");
  for (const { folder: packaged } of [here, elsewhere]) await shelf.add(packaged, "stable", noConfirmation);
  const list = await ask("?platform=linux-x64");
  t.deepEqual(await list.json(), { releases: [{ ...manifest, channel: "stable" }] });
  const etag = list.headers.get("etag") ?? "";
  t.is((await ask("?platform=linux-x64", { "if-none-match": etag })).status, 304);
  t.is((await ask("")).status, 400);

  const place = `/${manifest.sha256}`;
  const whole = await ask(place);
  t.is(whole.headers.get("content-length"), String(program.length));
  t.true(program.equals(Buffer.from(await whole.arrayBuffer())));
  const tag = whole.headers.get("etag") ?? "";
  t.is((await ask(place, { "if-none-match": tag })).status, 304);
  const rest = await ask(place, { range: "bytes=3000-", "if-range": tag });
  t.is(rest.status, 206);
  t.is(rest.headers.get("content-range"), "bytes 3000-3999/4000");
  t.true(program.subarray(3000).equals(Buffer.from(await rest.arrayBuffer())));
  t.is((await ask(place, { range: "bytes=3000-", "if-range": '"other"' })).status, 200);
  const beyond = await ask(place, { range: "bytes=4000-" });
  t.is(beyond.status, 416);
  t.is(beyond.headers.get("content-range"), "bytes */4000");

  for (const path of ["/..%2f..%2fmaster.key", "/linux-x64@2.0.0", `/${"0".repeat(64)}`, "/%00"])
    t.is((await ask(path)).status, 404, path);
  for (const authorization of ["", "Basic eDp5", `Bearer ${await running.apiKey("AUDIT_VIEW")}`])
    for (const path of ["?platform=linux-x64", place])
      t.is((await ask(path, { authorization })).status, 401, `${path} with ${authorization.slice(0, 6)}`);
});

test("a program that is removed, and a control plane that stops, end no other download and wait for none", async (t) => {
  await using running = await startRunning();
  const headers = await deviceHeaders(running);
  using folder = temporaryFolder();
  const shelf = createShelf(join(running.dataDir, "releases"));
  const packaged = packageRelease(folder.path, { version: "3.0.0", program: Buffer.alloc(64 << 20, "flow") });
  const release = await shelf.add(packaged.folder, "stable", noConfirmation);
  const fetchProgram = (): Promise<Response> =>
    fetch(`${running.address}/ingest/v1/releases/${release.sha256}`, { headers });
  const first = await fetchProgram();
  await shelf.remove(release);
  t.is((await first.arrayBuffer()).byteLength, 64 << 20, "what was begun is ended");
  t.is((await fetchProgram()).status, 404);

  await shelf.add(packaged.folder, "stable", noConfirmation);
  const second = await fetchProgram();
  const stopped = running.controlPlane[Symbol.asyncDispose]();
  await t.throwsAsync(second.arrayBuffer(), undefined, "cut off, for the device to go on with later");
  await stopped;
});

test("a process that is killed while it takes a release leaves nothing that is offered", async (t) => {
  using folder = temporaryFolder();
  const dataDir = join(folder.path, "data");
  await control(dataDir, ["migrate"]);
  // A program without end, as far as this test goes: sparse, so that it takes no room.
  const endless = packageRelease(folder.path, { version: "4.0.0" });
  const size = 1 << 30;
  truncateSync(join(endless.folder, "flowstate-linux-x64"), size);
  writeFileSync(join(endless.folder, "release.json"), JSON.stringify({ ...endless.manifest, size }));
  const shelf = createShelf(join(dataDir, "releases"));
  const child = spawn(process.execPath, [main, "releases", "add", endless.folder, "--channel", "stable"], {
    env: { ...process.env, FLOWSTATE_DATA_DIR: dataDir },
    stdio: "ignore",
  });
  const names = (): readonly string[] =>
    existsSync(join(dataDir, "releases")) ? readdirSync(join(dataDir, "releases")) : [];
  await until("the copy to have begun", () => names().length > 0);
  const ended = once(child, "exit");
  child.kill("SIGKILL");
  await ended;
  const left = readdirSync(join(dataDir, "releases"));
  t.true(
    left.every((name) => name.startsWith(".incoming-")),
    left.join(),
  );
  t.deepEqual(await shelf.list(), []);
  mkdirSync(join(dataDir, "releases", "linux-x64@9.9.9"));
  t.deepEqual(await shelf.list(), [], "a folder without a manifest is no release");
  const packaged = packageRelease(folder.path, { version: "4.0.0" });
  t.like(await shelf.add(packaged.folder, "beta", noConfirmation), { version: "4.0.0", channel: "beta" });
  t.is((await shelf.list()).length, 1);
});

test("what is not confirmed is not offered", async (t) => {
  using folder = temporaryFolder();
  const shelf = createShelf(join(folder.path, "releases"));
  const packaged = packageRelease(folder.path, { version: "5.0.0" });
  const refuse = (): Promise<void> => Promise.reject(new Error("the disk is full"));
  await t.throwsAsync(shelf.add(packaged.folder, "stable", refuse), { message: "the disk is full" });
  t.deepEqual(readdirSync(join(folder.path, "releases")), []);
});

testOnBothEngines(
  "the latest word of a device on its own program stands, whatever order it came in",
  async (t, { store, orgId }) => {
    const now = Date.parse("2026-11-20T12:00:00Z");
    const [first, second] = [randomUUID(), randomUUID()].sort() as [string, string];
    const tell = async (source: string, seq: number, event: object) => {
      const subject = (source === first ? "ada@example.com" : "bob@example.com") as Subject;
      const events = [{ seq, kind: "agent", platform: "linux-x64", ...event }];
      const { answer } = await ingestSessions(store, {
        orgId,
        subject,
        now,
        batch: { source, batch: randomUUID(), events },
      });
      return answer;
    };
    const at = (minute: string): string => `2026-11-20T11:${minute}:00Z`;
    t.like(await tell(first, 1, { occurredAt: at("10"), version: "1.0.0", available: null }), {
      accepted: 1,
    });
    t.like(await tell(first, 3, { occurredAt: at("30"), version: "1.1.0", available: null }), {
      accepted: 1,
    });
    t.like(await tell(first, 2, { occurredAt: at("20"), version: "1.0.0", available: "1.1.0" }), {
      accepted: 1,
    });
    t.like(await tell(first, 2, { occurredAt: at("20"), version: "1.0.0", available: "1.1.0" }), {
      duplicates: 1,
    });
    t.like(await tell(second, 1, { occurredAt: at("00"), version: "1.0.0", available: "1.1.0" }), {
      accepted: 1,
    });
    const refused = await tell(second, 2, { occurredAt: at("40"), version: "<b>1</b>", available: null });
    t.is(refused.rejected[0]?.seq, 2);
    const agents = await listAgents(store.reader, orgId, 10);
    t.deepEqual(
      agents.map(({ subject, version, updateAvailable }) => [subject, version, updateAvailable]),
      [
        ["bob@example.com", "1.0.0", "1.1.0"],
        ["ada@example.com", "1.1.0", null],
      ],
    );
    t.is(agents[1]?.toldAt, Date.parse(at("30")));
    t.is((await listAgents(store.reader, orgId, 1)).length, 1);
  },
);
