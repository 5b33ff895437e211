/** The store of what was said: sealed, bounded, erased, and shared with a command beside the daemon. */
import { readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import test from "ava";
import { openSqlite } from "@flowstate/shared/sqlite";
import { temporaryFolder } from "@flowstate/shared/testing/temp";
import { dayMs } from "@flowstate/shared/time";
import { listCaptures, openCaptures, purgeCaptures, readCapture } from "./capture-store.ts";
import type { KeptCall } from "./kept-call.ts";

const now = Date.parse("2026-11-20T10:00:00Z");
const limits = { retentionDays: 7, maxBytes: 100 << 20 };

const call = (text: string, occurredAt = now): KeptCall => ({
  occurredAt,
  summary: {
    callId: text.slice(0, 20),
    tool: "claude-code",
    provider: "anthropic",
    host: "api.anthropic.com",
    model: "m",
    sessionId: "nightjar-session",
    status: 200,
    promptCharacters: text.length,
    answerCharacters: 3,
    masked: 0,
    isCut: false,
  },
  words: {
    prompt: { instructions: [], earlierTurns: 0, turns: [{ role: "user", text }], isCut: false },
    answer: { text: "yes", isCut: false },
  },
});

const idsOf = (folder: string): readonly string[] =>
  listCaptures(folder, 10_000).captures.map(({ callId }) => callId);

test("what is kept can be listed, newest first, and shown", (t) => {
  using folder = temporaryFolder();
  using store = openCaptures(folder.path, limits);
  t.deepEqual(listCaptures(folder.path, 10), { captures: [], unreadable: 0 });
  store.append([call("one"), call("two")], now);
  store.append([call("three")], now);
  t.deepEqual(idsOf(folder.path), ["three", "two", "one"]);
  const [latest] = listCaptures(folder.path, 1).captures;
  t.like(latest, { occurredAt: "2026-11-20T10:00:00.000Z", tool: "claude-code" });
  t.deepEqual(readCapture(folder.path, latest?.id ?? "").words, call("three").words);
  t.throws(() => readCapture(folder.path, "none"), { message: /nothing is kept under none/ });
});

test("a store that a daemon is just making, and has no table yet, lists nothing", (t) => {
  using folder = temporaryFolder();
  writeFileSync(join(folder.path, "captures.db"), "");
  t.deepEqual(listCaptures(folder.path, 10), { captures: [], unreadable: 0 });
});

test("not a word stands in any file, and all files are closed to others", (t) => {
  using folder = temporaryFolder();
  using store = openCaptures(folder.path, limits);
  store.append([call("the nightjar sings")], now);
  const names = readdirSync(folder.path);
  t.deepEqual(
    names.filter((name) => !name.startsWith("captures.")),
    [],
  );
  t.true(names.length >= 2);
  for (const name of names) {
    t.is(statSync(join(folder.path, name)).mode & 0o077, 0, name);
    t.notRegex(readFileSync(join(folder.path, name), "latin1"), /nightjar|claude|anthropic/i, name);
  }
});

test("without its key, or changed, or moved to another place, a call does not open", (t) => {
  using folder = temporaryFolder();
  using store = openCaptures(folder.path, limits);
  store.append([call("one"), call("two")], now);
  const [two, one] = listCaptures(folder.path, 2).captures;
  const db = openSqlite(join(folder.path, "captures.db"));
  db.prepare("UPDATE capture SET words = (SELECT words FROM capture WHERE id = ?) WHERE id = ?").run(
    two?.id,
    one?.id,
  );
  db.close();
  t.throws(() => readCapture(folder.path, one?.id ?? ""), {
    message: /cannot be read: it was changed, or its key is gone/,
  });
  t.notThrows(() => readCapture(folder.path, two?.id ?? ""));
  const keyFile = join(folder.path, "captures.key");
  rmSync(keyFile);
  t.deepEqual(listCaptures(folder.path, 10), { captures: [], unreadable: 2 });
  writeFileSync(keyFile, "short");
  t.deepEqual(listCaptures(folder.path, 10), { captures: [], unreadable: 2 });
  store.append([call("three")], now);
  t.deepEqual(idsOf(folder.path), ["three"], "a new key is made");
  t.is(statSync(keyFile).size, 32);
});

test("what is past its retention goes, and so does what a wrong clock has dated beyond tomorrow", (t) => {
  using folder = temporaryFolder();
  using store = openCaptures(folder.path, limits);
  store.append([call("future", now + 400 * dayMs)], now + 400 * dayMs);
  store.append([call("old", now - 6 * dayMs), call("young")], now);
  t.deepEqual(idsOf(folder.path), ["young", "old"]);
  store.expire(now + 2 * dayMs);
  t.deepEqual(idsOf(folder.path), ["young"]);
});

test("what is removed is overwritten in every file", (t) => {
  using folder = temporaryFolder();
  using store = openCaptures(folder.path, limits);
  store.append([call("x".repeat(50_000), now - 6 * dayMs), call("young")], now);
  const db = openSqlite(join(folder.path, "captures.db"));
  const sealed = db.prepare("SELECT words FROM capture ORDER BY arrival LIMIT 1").pluck().get() as Buffer;
  db.close();
  const piece = sealed.subarray(30_000, 30_100);
  const holders = (): readonly string[] =>
    readdirSync(folder.path).filter((name) => readFileSync(join(folder.path, name)).includes(piece));
  t.not(holders().length, 0);
  store.expire(now + 2 * dayMs);
  t.deepEqual(holders(), []);
});

test("the oldest go where there is no room, whatever their clock said", (t) => {
  using folder = temporaryFolder();
  const maxBytes = 1 << 20;
  using store = openCaptures(folder.path, { ...limits, maxBytes });
  const text = "x".repeat(30_000);
  for (let at = 0; at < 60; at += 1) store.append([call(`${at} ${text}`, now - at)], now);
  const kept = idsOf(folder.path);
  t.is(kept[0]?.split(" ")[0], "59");
  t.true(kept.length > 20 && kept.length < 40, String(kept.length));
  t.is(kept.at(-1)?.split(" ")[0], String(60 - kept.length), "no gap");
  const sizes = readdirSync(folder.path).map((name) => statSync(join(folder.path, name)).size);
  t.true(sizes.reduce((sum, size) => sum + size, 0) < 7 * maxBytes, "the log of the database is bounded too");
  store.append([call("x".repeat(2 << 20))], now);
  t.deepEqual(idsOf(folder.path), [], "a call beyond the bound alone is not kept");
});

test("a purge beside a daemon that goes on leaves nothing behind", (t) => {
  using folder = temporaryFolder();
  t.is(purgeCaptures(folder.path), 0);
  t.deepEqual(readdirSync(folder.path), []);
  using store = openCaptures(folder.path, limits);
  store.append([call("x".repeat(500_000)), call("two")], now);
  const before = readFileSync(join(folder.path, "captures.key"));
  t.is(purgeCaptures(folder.path), 2);
  t.deepEqual(listCaptures(folder.path, 10), { captures: [], unreadable: 0 });
  t.true(statSync(join(folder.path, "captures.db")).size < 100_000);
  t.is(statSync(join(folder.path, "captures.db-wal")).size, 0);
  store.append([call("after")], now);
  t.deepEqual(idsOf(folder.path), ["after"]);
  t.notDeepEqual(readFileSync(join(folder.path, "captures.key")), before);
});

test("a damaged store is erased by a purge, and a new one is made", (t) => {
  using folder = temporaryFolder();
  writeFileSync(join(folder.path, "captures.db"), "x".repeat(8192));
  t.throws(() => openCaptures(folder.path, limits), { code: "FS_FILE_CORRUPT" });
  t.is(purgeCaptures(folder.path), 0);
  t.deepEqual(readdirSync(folder.path), []);
  using store = openCaptures(folder.path, limits);
  store.append([call("one")], now);
  t.deepEqual(idsOf(folder.path), ["one"]);
});

test("a store that is held by another fails at once and keeps all or nothing", (t) => {
  using folder = temporaryFolder();
  using store = openCaptures(folder.path, limits);
  store.append([call("one")], now);
  const db = openSqlite(join(folder.path, "captures.db"));
  db.exec("BEGIN IMMEDIATE");
  t.throws(() => store.append([call("two"), call("three")], now), { code: "SQLITE_BUSY" });
  db.exec("ROLLBACK");
  db.close();
  store.append([call("two"), call("three")], now);
  t.deepEqual(idsOf(folder.path), ["three", "two", "one"]);
});
