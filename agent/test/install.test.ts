/** Installation on Linux with the system's own programs: one person's in a home folder, a machine's in a folder for its root. */
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import anyTest, { type ExecutionContext } from "ava";
import { mintKey } from "@flowstate/shared/keys";
import { createAuthority } from "@flowstate/shared/tls/certificate";
import { temporaryFolder } from "@flowstate/shared/testing/temp";
import { until } from "@flowstate/shared/testing/until";
import { install, uninstall } from "../src/install/install.ts";
import { prepare } from "../src/install/prepare.ts";
import { readRecord } from "../src/install/record.ts";
import type { Command } from "../src/machine/change.ts";
import { startControlPlane } from "./support/control-plane.ts";
import { treeOf } from "./support/machine.ts";
import { claudeRow, newPerson } from "./support/person.ts";

const systemctl = ["/usr/bin/systemctl", "/bin/systemctl"].find((file) => existsSync(file));
const updateCertificates = ["/usr/sbin/update-ca-certificates"].find((file) => existsSync(file));
const test = systemctl === undefined ? anyTest.skip : anyTest;

/** What a service manager would start, from the unit itself. */
function startOf(unit: string): readonly string[] {
  const line = /^ExecStart=(.*)$/m.exec(unit)?.[1] ?? "";
  return [...line.matchAll(/"((?:[^"\\]|\\.)*)"/g)].map(([, part = ""]) => part.replaceAll(/\\(.)/g, "$1"));
}

test("a person installs the agent, a service manager starts it, it works, and nothing of it stays", async (t) => {
  await using controlPlane = await startControlPlane();
  const captures = { FLOWSTATE_CAPTURE: "session-logs,relay" };
  // Without SYSTEMD_OFFLINE a machine on which systemd runs would start the unit in the session of whoever runs the tests.
  const settings = { SYSTEMD_OFFLINE: "1", FLOWSTATE_OTLP_KEY: "", FLOWSTATE_USER: "", ...captures };
  await using person = newPerson({ ...settings, FLOWSTATE_CONTROL_PLANE: controlPlane.url });
  person.write(".claude/projects/-src-api/s1.jsonl", claudeRow("msg_1"));
  person.write(".profile", "umask 022\n");
  person.write("key", `${person.key}\n`);
  const before = treeOf(person.home);
  t.deepEqual(await person.flowstate("uninstall", "--scope", "user"), {
    code: 0,
    stdout: "nothing is installed\n",
    stderr: "",
  });

  const flags = ["--scope", "user", "--key-file", join(person.home, "key"), "--user", "ada@example.com"];
  const installed = await person.flowstate("install", ...flags);
  t.is(installed.stderr, "");
  t.is(installed.code, 0);
  t.regex(installed.stdout, /^Flowstate agent \S+ is installed for ada@example\.com/);
  t.regex(installed.stdout, /\n {2}words +prompts and answers are not kept\n/);
  t.regex(installed.stdout, /\nNo service manager runs here/);
  const after = treeOf(person.home);
  t.true("/.config/systemd/user/default.target.wants/flowstate-agent.service" in after);
  t.regex(after["/.config/systemd/user/flowstate-agent.service"] ?? "", /^100644 /);
  t.regex(after["/.flowstate/flowstate.env"] ?? "", /^100600 /);
  const again = await person.flowstate("install", "--scope", "user");
  t.is(again.code, 0, again.stderr);
  t.deepEqual(treeOf(person.home), after);

  const [program = "", ...args] = startOf(after["/.config/systemd/user/flowstate-agent.service"] ?? "");
  const daemon = spawn(program, args, {
    env: { HOME: person.home, PATH: process.env["PATH"] },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const said = Promise.all([text(daemon.stdout), text(daemon.stderr)]);
  await until("a call to arrive", () => controlPlane.models.length === 1);
  const status = await person.flowstate("status");
  t.regex(status.stdout, new RegExp(`person +ada@example.com\n +control plane +${controlPlane.url}`));
  t.regex((await person.flowstate("doctor")).stdout, /^ok {4}service: \S+ installed for this person$/m);
  t.is((await person.flowstate("scan")).code, 0);
  const early = await person.flowstate("uninstall", "--scope", "user");
  t.regex(early.stderr, /another agent runs with the data folder/, "one that nobody stopped keeps its data");
  const ended = once(daemon, "exit");
  daemon.kill("SIGTERM");
  t.deepEqual(await ended, [0, null]);
  t.deepEqual(await said, ["", ""], "a service logs into its own file");

  const removed = await person.flowstate("uninstall", "--scope", "user");
  t.is(removed.code, 0, removed.stderr);
  t.deepEqual(treeOf(person.home), before);
});

test("a machine's unit is enabled by systemd, its authority trusted by the system, and both are taken back", async (t) => {
  using folder = temporaryFolder();
  const root = folder.path;
  const owner = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
  // A root of its own can have another owner for ada's files, where the tests run as root.
  const ada = owner.uid === 0 ? { uid: 12_345, gid: 12_345 } : owner;
  for (const path of [
    "etc/systemd/system",
    "etc/ssl/certs",
    "usr/share/ca-certificates",
    "usr/local/share/ca-certificates",
    "home/ada",
  ])
    mkdirSync(join(root, path), { recursive: true });
  chmodSync(root, 0o755);
  chownSync(join(root, "home/ada"), ada.uid, ada.gid);
  writeFileSync(join(root, "etc/passwd"), `ada:x:${ada.uid}:${ada.gid}::/home/ada:/bin/sh\n`);
  writeFileSync(join(root, "etc/ca-certificates.conf"), "");
  const another = createAuthority({ commonName: "Another authority", days: 10 }).certificate;
  writeFileSync(join(root, "usr/local/share/ca-certificates/another.crt"), another);
  const run = async (command: Command): Promise<void> => runIn(root, command, t);
  await run(["update-ca-certificates"]);
  const before = treeOf(root);
  const hands = { root, run };
  const installation = prepare(
    { tools: true, trust: true, runAs: "ada" },
    {
      env: {
        FLOWSTATE_OTLP_KEY: mintKey("org").text,
        FLOWSTATE_USER: "ada@example.com",
        FLOWSTATE_CAPTURE: "session-logs,relay,intercept",
      },
      platform: "linux",
      root,
      administrator: true,
      program: { kind: "checkout", command: [process.execPath, "/opt/flowstate.js"] },
      self: { account: "root", home: "/root", owner },
    },
  );
  await install(installation, hands);
  await install(installation, hands);
  t.true(existsSync(join(root, "etc/systemd/system/flowstate-agent.service")));
  t.true("/etc/systemd/system/multi-user.target.wants/flowstate-agent.service" in treeOf(root));
  const bundle = join(root, "etc/ssl/certs/ca-certificates.crt");
  const authority = readFileSync(join(root, "home/ada/.flowstate/tls/ca.pem"), "utf8");
  if (updateCertificates !== undefined) t.true(readFileSync(bundle, "utf8").includes(authority.trim()));
  for (const path of [
    "etc/flowstate.env",
    "home/ada/.flowstate",
    "home/ada/.flowstate/tls/ca-key.pem",
    "home/ada/.config",
    "home/ada/.profile",
  ])
    t.is(statSync(join(root, path)).uid, ada.uid, path);
  t.is(statSync(join(root, "home/ada/.flowstate")).mode & 0o777, 0o700);
  t.is(statSync(join(root, "etc/systemd/system/flowstate-agent.service")).uid, owner.uid);

  const record = readRecord(join(root, "var/lib/flowstate/installed.json"));
  if (record === null) return t.fail("there is no record");
  await uninstall(record, { keepData: false, ...hands });
  t.deepEqual(treeOf(root), before);
});

test("an administrator's installation goes nowhere that the person could not go", async (t) => {
  if (process.getuid?.() !== 0) return void t.pass("only an administrator could be led astray");
  const links: readonly (readonly [link: string, target: string])[] = [
    [".flowstate", "secret"],
    [".config", "secret"],
    [".profile", "secret/file"],
    [".claude/settings.json", "secret/file"],
  ];
  for (const [link, target] of links) {
    using folder = temporaryFolder();
    const root = folder.path;
    chmodSync(root, 0o755);
    for (const path of ["etc", "home/ada/.claude", "secret"])
      mkdirSync(join(root, path), { recursive: true });
    writeFileSync(join(root, "etc/passwd"), "ada:x:12345:12345::/home/ada:/bin/sh\n");
    writeFileSync(join(root, "secret/file"), "{}");
    for (const path of ["home/ada", "home/ada/.claude"]) chownSync(join(root, path), 12_345, 12_345);
    symlinkSync(join(root, target), join(root, "home/ada", link));
    const before = treeOf(join(root, "secret"));
    const surroundings = {
      env: {
        FLOWSTATE_OTLP_KEY: mintKey("org").text,
        FLOWSTATE_USER: "ada@example.com",
        FLOWSTATE_CAPTURE: "otlp,relay,intercept",
      },
      platform: "linux",
      root,
      administrator: true,
      program: { kind: "checkout", command: ["/opt/node"] },
      self: { account: "root", home: "/root", owner: { uid: 0, gid: 0 } },
    } as const;
    const attempt = async (): Promise<void> =>
      install(prepare({ tools: true, trust: true, runAs: "ada" }, surroundings), {
        root,
        run: async () => undefined,
      });
    await t.throwsAsync(attempt(), { message: /EACCES/ }, link);
    t.deepEqual(treeOf(join(root, "secret")), before, link);
    t.is(statSync(join(root, "secret")).uid, 0, link);
    t.is(process.geteuid?.(), 0);
  }
});

/** The system's own programs, led to another root. What only a running system can do is left out. */
function runIn(root: string, [program, ...args]: Command, t: ExecutionContext): void {
  const to = (path: string): string => join(root, path);
  if (program === "update-ca-certificates") {
    if (updateCertificates === undefined) return t.log(`${program} is not on this machine`);
    const places = [
      ["--certsconf", "etc/ca-certificates.conf"],
      ["--certsdir", "usr/share/ca-certificates"],
      ["--localcertsdir", "usr/local/share/ca-certificates"],
      ["--etccertsdir", "etc/ssl/certs"],
      ["--hooksdir", "etc/ca-certificates/update.d"],
    ].flatMap(([flag = "", path = ""]) => [flag, to(path)]);
    execFileSync(updateCertificates, [...args, ...places], { stdio: "pipe" });
  } else if (args[0] === "enable" || args[0] === "disable") {
    execFileSync(systemctl ?? program, ["--root", root, ...args], { stdio: "pipe" });
  }
}
