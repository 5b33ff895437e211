/** A program in the place of another: real files, real processes and a socket that answers; and everything that comes in between. */
import { fork } from "node:child_process";
import { once } from "node:events";
import {
  chmodSync,
  copyFileSync,
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import test, { type ExecutionContext } from "ava";
import { generateReleaseKey, signRelease } from "@flowstate/shared/release-signature";
import { Secret } from "@flowstate/shared/secret";
import { until } from "@flowstate/shared/testing/until";
import type { OfferedRelease } from "@flowstate/shared/wire/release";
import { claimUpgrade } from "../src/local/instance.ts";
import { readJournal, writeJournal } from "../src/update/journal.ts";
import { sha256Of, siteOf } from "../src/update/site.ts";
import { settle, upgrade } from "../src/update/upgrade.ts";
import { newPerson } from "./support/person.ts";
import { startReleaseDesk, type ReleaseDesk } from "./support/releases.ts";
import { hasty, standIn, standInMachine, type Manner, type StandInMachine } from "./support/stand-in.ts";

const pair = generateReleaseKey();

// As src/main.ts has it: whatever is to be open to others has to be opened.
test.before(() => void process.umask(0o077));

async function attempt(desk: ReleaseDesk, machine: StandInMachine, release: OfferedRelease): Promise<string> {
  const access = { controlPlane: desk.url, credential: new Secret("Basic eDp5") };
  try {
    await upgrade(access, release, machine.upgrading, AbortSignal.timeout(60_000));
    return "done";
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

async function assertUntouched(t: ExecutionContext, machine: StandInMachine, why: string): Promise<void> {
  t.is(machine.version(), "1.0.0", why);
  t.deepEqual(readdirSync(dirname(machine.target)), ["flowstate"], `nothing lies about: ${why}`);
  t.is(readJournal(machine.upgrading.journalFile).attempt, null, why);
}

test("a signed program takes the place of the one that runs, and the service is the new one", async (t) => {
  await using desk = await startReleaseDesk(pair.privatePem);
  using machine = standInMachine(pair.publicKey);
  const release = desk.offer(standIn("1.1.0", machine.dataFolder), "1.1.0");
  t.is(await attempt(desk, machine, release), "done");
  t.is(machine.version(), "1.1.0");
  t.is(statSync(machine.target).mode & 0o777, 0o755);
  t.like(await machine.upgrading.askStatus(), { version: "1.1.0" });
  t.deepEqual(readdirSync(dirname(machine.target)), ["flowstate"]);
  t.deepEqual(machine.said, ["fetching 1.1.0 (1 MB)", "1.1.0 is in place of 1.0.0"]);
  t.is(await attempt(desk, machine, release), "done");
  t.is(machine.said.at(-1), "1.1.0 is in place already");
  t.is(desk.asked.program, 1);
});

const bad: readonly [manner: Manner, words: RegExp][] = [
  ["is silent", /^1\.1\.0 does not answer within 60 seconds; 1\.0\.0 was put back$/],
  ["dies at once", /^1\.1\.0 does not answer within 60 seconds; 1\.0\.0 was put back$/],
  ["cannot be installed", /no room for it[^]*1\.0\.0 was put back$/],
];

for (const [manner, words] of bad)
  test(`a new program that ${manner} gives way to the one before`, async (t) => {
    await using desk = await startReleaseDesk(pair.privatePem);
    using machine = standInMachine(pair.publicKey, hasty);
    const release = desk.offer(standIn("1.1.0", machine.dataFolder, manner), "1.1.0");
    t.regex(await attempt(desk, machine, release), words);
    await assertUntouched(t, machine, manner);
    await until("the old service", async () => (await machine.upgrading.askStatus())?.version === "1.0.0");
    t.is(statSync(machine.upgrading.journalFile).mode & 0o777, 0o644, "the service reads it, too");
    t.deepEqual(
      readJournal(machine.upgrading.journalFile).failed,
      [release.sha256],
      "so it is not tried again by itself",
    );
  });

test("nothing runs that the holder of the key has not signed, whatever a control plane sends", async (t) => {
  await using desk = await startReleaseDesk(pair.privatePem);
  using machine = standInMachine(pair.publicKey);
  const good = standIn("1.1.0", machine.dataFolder);
  const signed = desk.offer(good, "1.1.0");
  const { signature: _, channel, ...manifest } = signed;
  const foreign = { ...signRelease(manifest, generateReleaseKey().privatePem), channel };
  const evil = Buffer.from(good.toString().replace('"install"', '"ins/all"'));
  const replaced = desk.offer(evil, "1.1.0", { ...signed });
  const cases: readonly [why: string, release: OfferedRelease, words: RegExp][] = [
    ["unsigned", { ...signed, signature: null }, /is not signed with the release key that this device knows/],
    ["signed by another", foreign, /is not signed with the release key/],
    [
      "another key under our name",
      { ...foreign, signature: { ...foreign.signature, key: pair.publicKey } as never },
      /is not signed/,
    ],
    ["a manifest that was changed", { ...signed, version: "1.2.0" }, /is not signed/],
    ["another program under a signed manifest", replaced, /is not the program that was signed/],
  ];
  const before = desk.asked.program;
  for (const [why, release, words] of cases) {
    t.regex(await attempt(desk, machine, release), words, why);
    await assertUntouched(t, machine, why);
  }
  t.is(desk.asked.program, before + 1, "what is not signed is not even fetched");
  desk.meddle = (response) => {
    response.writeHead(200);
    const pour = (): void => {
      while (response.write(Buffer.alloc(65_536))) if (response.destroyed) return;
      response.once("drain", pour);
    };
    pour();
  };
  t.regex(await attempt(desk, machine, signed), /more came as 1\.1\.0 than/);
  await assertUntouched(t, machine, "an answer without end");
  desk.meddle = null;
  const lying = desk.offer(standIn("1.1.0", machine.dataFolder, "says another version"), "1.1.0");
  t.regex(await attempt(desk, machine, lying), /1\.1\.0 does not start here: 0\.0\.1/);
  const text = desk.offer(Buffer.from("no program at all"), "1.1.0");
  t.regex(await attempt(desk, machine, text), /1\.1\.0 does not start here/);
  await assertUntouched(t, machine, "no program");
});

test("a download that breaks off goes on where it stopped, and one that never comes ends", async (t) => {
  await using desk = await startReleaseDesk(pair.privatePem);
  using machine = standInMachine(pair.publicKey);
  const program = standIn("1.1.0", machine.dataFolder);
  const release = desk.offer(program, "1.1.0");
  const from: number[] = [];
  desk.meddle = (response, at) => {
    from.push(at);
    const until = Math.min(at + 500, program.length);
    response.writeHead(at === 0 ? 200 : 206, { "content-length": program.length - at });
    response.write(program.subarray(at, until), () =>
      until < program.length ? response.destroy() : response.end(),
    );
  };
  t.is(await attempt(desk, machine, release), "done");
  t.true(from.length > 2);
  t.deepEqual(
    from,
    from.map((_, index) => index * 500),
  );

  const another = desk.offer(standIn("1.2.0", machine.dataFolder), "1.2.0");
  desk.meddle = (response) => void response.writeHead(503).end();
  t.is(await attempt(desk, machine, another), "the control plane answers 503 to the request for 1.2.0");
  t.is(machine.version(), "1.1.0");
});

test("a folder or a link that somebody has put in the way is not used", async (t) => {
  await using desk = await startReleaseDesk(pair.privatePem);
  using machine = standInMachine(pair.publicKey);
  const release = desk.offer(standIn("1.1.0", machine.dataFolder), "1.1.0");
  const { workFolder } = siteOf(machine.target);
  const elsewhere = join(machine.dataFolder, "elsewhere");
  mkdirSync(elsewhere);
  writeFileSync(join(elsewhere, "fresh"), "theirs");
  symlinkSync(elsewhere, workFolder);
  t.regex(await attempt(desk, machine, release), /belongs to somebody else/);
  t.deepEqual(readdirSync(elsewhere), ["fresh"]);
  t.is(readFileSync(join(elsewhere, "fresh"), "utf8"), "theirs");
  t.is(machine.version(), "1.0.0");
});

test("one upgrade at a time", async (t) => {
  await using desk = await startReleaseDesk(pair.privatePem);
  using machine = standInMachine(pair.publicKey);
  const release = desk.offer(standIn("1.1.0", machine.dataFolder), "1.1.0");
  using _ = claimUpgrade(machine.upgrading.lockFile);
  t.is(await attempt(desk, machine, release), "an upgrade is under way");
  await assertUntouched(t, machine, "somebody else is at it");
});

test("an upgrade that is killed at any moment leaves one of both programs whole, and the next run a service", async (t) => {
  await using desk = await startReleaseDesk(pair.privatePem);
  const killed = async (afterMs: number): Promise<void> => {
    using machine = standInMachine(pair.publicKey);
    await until("the first service", () => machine.upgrading.askStatus());
    const version = `1.1.${afterMs}`;
    const release = desk.offer(standIn(version, machine.dataFolder), version);
    const process = new URL("support/upgrade-process.ts", import.meta.url);
    const args = [machine.folder, pair.publicKey, desk.url.href, JSON.stringify(release)];
    const child = fork(process, args);
    const exited = once(child, "exit");
    await once(child, "message");
    await delay(afterMs);
    child.kill("SIGKILL");
    await exited;
    const left = machine.version();
    t.true(left === "1.0.0" || left === version, "at every moment there is a program");
    await settle(machine.upgrading);
    t.is(machine.version(), left);
    await until("a service of it", async () => (await machine.upgrading.askStatus())?.version === left);
    t.is(readJournal(machine.upgrading.journalFile).attempt, null);
    t.log(`killed after ${afterMs} ms: ${left}`);
    // What was killed before it had noted anything is taken away by the next upgrade.
    t.is(await attempt(desk, machine, release), "done");
    t.is(machine.version(), version);
    t.deepEqual(readdirSync(dirname(machine.target)), ["flowstate"]);
  };
  await Promise.all([0, 60, 150, 400, 900].map(killed));
});

test("an upgrade that was interrupted is brought to an end by the next run", async (t) => {
  const interrupt = async (machine: StandInMachine, fresh: Buffer, isSwapped: boolean): Promise<void> => {
    const site = siteOf(machine.target);
    mkdirSync(site.workFolder, { mode: 0o700 });
    writeFileSync(site.fresh, fresh);
    chmodSync(site.fresh, 0o755);
    const sha256 = await sha256Of(site.fresh);
    writeJournal(machine.upgrading.journalFile, {
      attempt: { version: "1.1.0", sha256, before: "1.0.0", previous: site.previous },
      failed: [],
    });
    if (!isSwapped) return;
    linkSync(machine.target, site.previous);
    copyFileSync(site.fresh, `${machine.target}.new`);
    chmodSync(`${machine.target}.new`, 0o755);
    renameSync(`${machine.target}.new`, machine.target);
  };
  {
    using machine = standInMachine(pair.publicKey);
    await interrupt(machine, standIn("1.1.0", machine.dataFolder), false);
    await settle(machine.upgrading);
    await assertUntouched(t, machine, "before the swap");
  }
  {
    using machine = standInMachine(pair.publicKey);
    await interrupt(machine, standIn("1.1.0", machine.dataFolder), true);
    await settle(machine.upgrading);
    t.is(machine.version(), "1.1.0", "after the swap, the new program gets its chance");
    t.like(await machine.upgrading.askStatus(), { version: "1.1.0" });
    t.false(existsSync(siteOf(machine.target).workFolder));
  }
  {
    using machine = standInMachine(pair.publicKey, hasty);
    await interrupt(machine, standIn("1.1.0", machine.dataFolder, "is silent"), true);
    await t.throwsAsync(settle(machine.upgrading), { message: /1\.0\.0 was put back/ });
    t.is(machine.version(), "1.0.0");
    await until("the old service", async () => (await machine.upgrading.askStatus())?.version === "1.0.0");
    t.is(readJournal(machine.upgrading.journalFile).attempt, null);
  }
});

test("an agent that runs from its sources upgrades nothing, and says so; what there is can be asked for", async (t) => {
  await using desk = await startReleaseDesk(null);
  await using person = newPerson({ FLOWSTATE_CONTROL_PLANE: desk.url.origin });
  const refused = await person.flowstate("upgrade");
  t.is(refused.code, 65);
  t.regex(refused.stderr, /^this agent runs from its sources[^\n]+\n$/);
  t.is((await person.flowstate("upgrade", "--check")).stdout, "0.1.0 is the version to run here\n");
  desk.offer(Buffer.from("new"), "99.0.0");
  const { stdout } = await person.flowstate("upgrade", "--check");
  t.is(stdout, "99.0.0 is available, not signed with a key that this device knows; this is 0.1.0\n");
  const absent = await person.flowstate("upgrade", "--check", "--version", "98.0.0");
  t.is(absent.code, 66);
  t.regex(absent.stderr, /there is no 98\.0\.0 for \S+ on offer/);
});
