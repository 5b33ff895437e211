/** The agent as one module, as the single executable holds it; `npm run package -w agent` builds and proves that itself. */
import { execFile, type ExecFileException } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, utimesSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import test from "ava";
import { temporaryFolder } from "@flowstate/shared/testing/temp";
import { bundle } from "../scripts/bundle.ts";
import { checkIntegrity } from "../scripts/fetch-package.ts";
import { chooseTargets, executableName, koffiPackage, nodeVersion, targets } from "../scripts/targets.ts";
import { signMachO } from "../scripts/sign-mach-o.ts";
import { unsignPe } from "../scripts/unsign-pe.ts";
import { removeLeft } from "../src/packaged/native.ts";
import { version } from "../src/version.ts";
import { claudeRow, newPerson } from "./support/person.ts";

test("one module holds everything that a scan needs, prices and version too", async (t) => {
  await using person = newPerson();
  person.write(".claude/projects/-src-api/s1.jsonl", claudeRow("msg_1"));
  const module = join(person.home, "flowstate.mjs");
  const packages = await bundle(module, version);
  t.true(packages.some((folder) => folder.endsWith("better-sqlite3")));
  const run = async (...args: readonly string[]): Promise<string> =>
    (await promisify(execFile)(process.execPath, [module, ...args], { env: { HOME: person.home } })).stdout;
  t.true(
    readFileSync(module).every((byte) => byte < 128),
    "one byte a character is all that Node needs to hold it",
  );
  const { stderr } = await t.throwsAsync<ExecFileException>(run("run"));
  t.regex(String(stderr), /the organisation's key, fsk_…/);
  t.is(await run("--version"), `${version}\n`);
  const { totals } = JSON.parse(await run("scan", "--json")) as { totals: object };
  t.like(totals, { calls: 1, inputTokens: 100, costUsd: "0.00045" });
});

const root = join(import.meta.dirname, "../..");

test("every executable holds the Node that the checkout has, and what the lock file pins", (t) => {
  const { dependencies } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as {
    readonly dependencies: { readonly node: string };
  };
  t.is(nodeVersion, dependencies.node, "a new Node has new archives; `npm view` prints their integrity");
  for (const { integrity } of [...Object.values(targets), koffiPackage()])
    t.is(Buffer.from(integrity.replace(/^sha512-/, ""), "base64").length, 64);
  for (const target of Object.keys(targets))
    t.true(existsSync(join(root, "node_modules/better-sqlite3/prebuilds", `${target}.node`)), target);
});

const choices: [what: string, all: boolean, named: string[], chosen: readonly string[] | RegExp][] = [
  ["none", false, [], ["linux-arm64"]],
  ["two at once", false, ["win32-x64,darwin-x64"], ["win32-x64", "darwin-x64"]],
  ["one twice", false, ["linux-x64", "linux-x64"], ["linux-x64"]],
  ["all", true, [], Object.keys(targets)],
  ["one that there is not", false, ["win32-ia32"], /--target win32-ia32: it takes linux-x64, /],
];

for (const [what, all, named, chosen] of choices) {
  test(`executables are made for the systems that are asked for: ${what}`, (t) => {
    const choose = () => chooseTargets({ all, named }, "linux-arm64");
    if (chosen instanceof RegExp) t.throws(choose, { message: chosen });
    else t.deepEqual(choose(), chosen);
  });
}

test("an executable has the name by which the control plane finds it", (t) => {
  t.is(executableName("win32-x64"), "flowstate-win32-x64.exe");
  t.is(executableName("darwin-arm64"), "flowstate-darwin-arm64");
});

test("an archive that is not the one that was pinned is not unpacked", (t) => {
  const archive = Buffer.from("the archive");
  const pinned = `sha512-${createHash("sha512").update(archive).digest("base64")}`;
  t.notThrows(() => checkIntegrity("node@1", archive, pinned));
  t.throws(() => checkIntegrity("node@1", Buffer.from("another"), pinned), {
    message: /^node@1 is not the /,
  });
});

test("what a program could not remove of its native parts is removed by a later one, and nothing else", (t) => {
  using folder = temporaryFolder();
  const names = [".flowstate-native-left", ".flowstate-native-fresh", "somebody-elses"];
  for (const name of names) mkdirSync(join(folder.path, name));
  for (const name of [names[0] ?? "", names[2] ?? ""]) utimesSync(join(folder.path, name), 1, 1);
  removeLeft(folder.path, Date.now() - 60_000);
  t.deepEqual(readdirSync(folder.path), names.slice(1));
});

/** A program for macOS of three pages and a bit, with its two segments and room for a third command. */
function machO(): Buffer {
  const program = Buffer.alloc(3 * 4096 + 7, "x");
  program.fill(0, 0, 1024);
  [0xfeedfacf, 0x0100000c, 0, 2, 2, 144, 0x85, 0].forEach((value, index) =>
    program.writeUInt32LE(value, 4 * index),
  );
  const segments: [name: string, from: number, to: number][] = [
    ["__TEXT", 0, 8192],
    ["__LINKEDIT", 8192, program.length],
  ];
  segments.forEach(([name, from, to], index) => {
    const at = 32 + 72 * index;
    program.writeUInt32LE(0x19, at);
    program.writeUInt32LE(72, at + 4);
    program.write(name, at + 8, "latin1");
    program.writeBigUInt64LE(BigInt(from), at + 40);
    program.writeBigUInt64LE(BigInt(to - from), at + 48);
  });
  return program;
}

test("a program for macOS is signed over every page, its new header too", (t) => {
  const signed = signMachO(machO(), "flowstate");
  t.deepEqual([signed.readUInt32LE(16), signed.readUInt32LE(20)], [3, 160]);
  const [command, size, offset, length] = [0, 4, 8, 12].map((at) => signed.readUInt32LE(32 + 144 + at));
  t.deepEqual([command, size], [0x1d, 16]);
  t.is((offset ?? 0) % 16, 0);
  t.is((offset ?? 0) + (length ?? 0), signed.length);
  t.is(signed.readBigUInt64LE(32 + 72 + 48), BigInt(signed.length - 8192), "__LINKEDIT ends with the file");
  const directory = signed.subarray(offset).subarray(20);
  t.is(directory.readUInt32BE(0), 0xfade0c02);
  t.is(directory.length, directory.readUInt32BE(4));
  t.is(directory.toString("latin1", directory.readUInt32BE(20), directory.readUInt32BE(16)), "flowstate\0");
  const [pages, limit] = [directory.readUInt32BE(28), directory.readUInt32BE(32)];
  t.deepEqual([pages, limit], [4, offset]);
  for (let page = 0; page < pages; page += 1) {
    const bytes = signed.subarray(page * 4096, Math.min((page + 1) * 4096, limit));
    const at = directory.readUInt32BE(16) + page * 32;
    t.is(directory.toString("hex", at, at + 32), createHash("sha256").update(bytes).digest("hex"));
  }
  t.throws(() => signMachO(signed, "flowstate"), { message: "it is signed already" });
  t.throws(() => signMachO(Buffer.alloc(64), "flowstate"), { message: /no 64-bit Mach-O/ });
});

test("a program for Windows loses the signature of its maker, and nothing else", (t) => {
  const program = Buffer.alloc(512, "x");
  program.writeUInt32LE(64, 0x3c);
  program.write("PE\0\0", 64, "latin1");
  program.writeUInt16LE(0x20b, 88);
  program.writeUInt32LE(480, 88 + 144);
  program.writeUInt32LE(32, 88 + 148);
  const unsigned = unsignPe(program);
  t.is(unsigned.length, 480);
  const expected = Buffer.from(program.subarray(0, 480))
    .fill(0, 88 + 144, 88 + 152)
    .fill(0, 88 + 64, 88 + 68);
  t.deepEqual(unsigned, expected);
  t.is(unsignPe(unsigned), unsigned);
  t.throws(() => unsignPe(program.subarray(0, 500)), { message: /not at its end/ });
  t.throws(() => unsignPe(Buffer.alloc(128)), { message: /no program for Windows/ });
});
