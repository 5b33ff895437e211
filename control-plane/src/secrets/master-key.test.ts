import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import test from "ava";
import { Secret } from "@flowstate/shared/secret";
import { temporaryFolder } from "@flowstate/shared/testing/temp";
import { loadMasterKey } from "./master-key.ts";

test("the first start makes a key for its owner alone, and later ones read it", (t) => {
  using folder = temporaryFolder();
  const source = { inline: null, file: null, dataDir: folder.path };
  const first = loadMasterKey(source);
  t.deepEqual(readdirSync(folder.path), ["master.key"]);
  t.is(statSync(join(folder.path, "master.key")).mode & 0o777, 0o600);
  t.deepEqual(loadMasterKey(source), first);
});

test("a key that is given wins over a file, and a named file over the data folder", (t) => {
  using folder = temporaryFolder();
  const own = loadMasterKey({ inline: null, file: null, dataDir: folder.path });
  const text = readFileSync(join(folder.path, "master.key"), "utf8");
  const elsewhere = join(folder.path, "elsewhere");
  writeFileSync(elsewhere, Buffer.alloc(32, 1).toString("base64"));
  const named = loadMasterKey({ inline: null, file: elsewhere, dataDir: folder.path });
  t.not(named.id, own.id);
  t.is(loadMasterKey({ inline: new Secret(text), file: elsewhere, dataDir: folder.path }).id, own.id);
});

test("the keys for different purposes differ, and the id gives none away", (t) => {
  const inline = new Secret(Buffer.alloc(32, 1).toString("base64"));
  const { id, wrapping, pepper } = loadMasterKey({ inline, file: null, dataDir: "" });
  t.false(wrapping.equals(pepper));
  t.false([wrapping, pepper, Buffer.alloc(32, 1)].some((key) => key.toString("hex").includes(id)));
});

for (const [what, text] of [
  ["too short", "c2hvcnQ="],
  ["not base64", "!".repeat(44)],
  ["empty", ""],
] as const) {
  test(`a file that is ${what} is refused by its name, without what it holds`, (t) => {
    using folder = temporaryFolder();
    const file = join(folder.path, "key");
    writeFileSync(file, text);
    const error = t.throws(() => loadMasterKey({ inline: null, file, dataDir: folder.path }));
    t.like(error, { code: "FS_MASTER_KEY" });
    t.true(error.message.includes(file));
    if (text !== "") t.false(error.message.includes(text));
  });
}

test("a file that cannot be read is named", (t) => {
  const error = t.throws(() => loadMasterKey({ inline: null, file: "/nonexistent/key", dataDir: "" }), {
    message: /\/nonexistent\/key/,
  });
  t.like(error, { code: "FS_MASTER_KEY" });
});
