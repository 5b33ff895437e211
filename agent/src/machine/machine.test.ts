import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import test from "ava";
import fc from "fast-check";
import { parse as parsePlist } from "plist";
import { DOMParser } from "@xmldom/xmldom";
import { temporaryFolder } from "@flowstate/shared/testing/temp";
import { applyChange, noChange, revertChange, traceOf, type Change, type Command } from "./change.ts";
import { withMarkedLines, withoutMarkedLines } from "./marked-lines.ts";
import { whenFree } from "./program-file.ts";
import {
  launchdChange,
  launchdLabel,
  systemdChange,
  windowsServiceChange,
  type ServiceOptions,
} from "./service.ts";
import {
  launchdUpdaterChange,
  launchdUpdaterLabel,
  systemdUpdaterChange,
  windowsUpdater,
  windowsUpdaterChange,
} from "./updater.ts";
import { environmentFile, shellExports, toolEnvironment } from "./tool-environment.ts";
import { findTrustStore, trustChange, type TrustStore } from "./trust-store.ts";

const options: ServiceOptions = {
  scope: "system",
  account: "nobody",
  home: "/home/ada",
  command: [process.execPath, "/opt/a & b/<agent>.js", "run", 'say "hi" 50% $HOME'],
  environment: {
    FLOWSTATE_USER: "o'brien+x@example.com",
    FLOWSTATE_CLOUD_PROXY: "https://ai.example.com?a&b",
  },
  dataFolder: "/var/lib/flow state",
};
/** What the first file of a change says. */
const textOf = ({ files: [file] }: Change): string => {
  const content = file?.content;
  return typeof content === "string" ? content : "";
};
const certificate = { pem: "-----BEGIN CERTIFICATE-----\n", sha1: "AB12" };

test("the launchd description says what was asked for, whatever characters are in it", (t) => {
  const change = launchdChange(options, 501);
  const parsed = parsePlist(textOf(change)) as Record<string, unknown>;
  t.is(change.files[0]?.path, `/Library/LaunchDaemons/${launchdLabel}.plist`);
  t.is(parsed["UserName"], "nobody");
  t.like(parsed, {
    Label: launchdLabel,
    RunAtLoad: true,
    KeepAlive: true,
    ProgramArguments: [...options.command],
  });
  t.deepEqual(parsed["EnvironmentVariables"], { ...options.environment });
});

test("a person's own launchd starts an agent without a user name", (t) => {
  const change = launchdChange({ ...options, scope: "user" }, 501);
  t.is(change.files[0]?.path, `/home/ada/Library/LaunchAgents/${launchdLabel}.plist`);
  t.false("UserName" in (parsePlist(textOf(change)) as object));
  t.deepEqual(change.toStop, [["launchctl", "bootout", `gui/501/${launchdLabel}`]]);
});

for (const scope of ["system", "user"] as const) {
  test(`the systemd unit of a ${scope} is one that systemd accepts`, (t) => {
    using folder = temporaryFolder();
    const text = textOf(systemdChange({ ...options, scope }));
    const unit = join(folder.path, "flowstate-agent.service");
    writeFileSync(unit, text);
    t.true(text.includes(String.raw`"say \"hi\" 50%% $$HOME"`));
    t.is(text.includes("\nUser=nobody\n"), scope === "system");
    if (!existsSync("/usr/bin/systemd-analyze")) return t.log("systemd-analyze is not on this machine");
    const args = ["verify", "--man=no", `--${scope}`, unit];
    t.notThrows(() =>
      execFileSync("/usr/bin/systemd-analyze", args, {
        stdio: "pipe",
        env: { XDG_RUNTIME_DIR: folder.path },
      }),
    );
  });
}

for (const scope of ["system", "user"] as const) {
  test(`the updater of a ${scope} is a timer that systemd accepts`, (t) => {
    using folder = temporaryFolder();
    const { files, toStop } = systemdUpdaterChange({ ...options, scope });
    const units = files.map(({ path, content }) => {
      const unit = join(folder.path, path.slice(path.lastIndexOf("/") + 1));
      writeFileSync(unit, typeof content === "string" ? content : "");
      return unit;
    });
    t.is(files[0]?.path.startsWith("/etc/systemd/system/"), scope === "system");
    t.true(
      toStop.flat().includes("flowstate-upgrade.timer"),
      "the updater itself is never stopped by what it does",
    );
    t.false(toStop.flat().includes("flowstate-upgrade.service"));
    if (!existsSync("/usr/bin/systemd-analyze")) return t.log("systemd-analyze is not on this machine");
    const args = ["verify", "--man=no", `--${scope}`, ...units];
    t.notThrows(() =>
      execFileSync("/usr/bin/systemd-analyze", args, {
        stdio: "pipe",
        env: { XDG_RUNTIME_DIR: folder.path },
      }),
    );
  });
}

test("the updater of macOS is a job of its own that launchd starts every hour", (t) => {
  const change = launchdUpdaterChange(options, 501);
  t.is(change.files[0]?.path, `/Library/LaunchDaemons/${launchdUpdaterLabel}.plist`);
  t.deepEqual(parsePlist(textOf(change)), {
    Label: launchdUpdaterLabel,
    ProgramArguments: [...options.command],
    EnvironmentVariables: { HOME: "/var/root" },
    StartInterval: 3600,
    ProcessType: "Background",
  });
  const { files } = launchdUpdaterChange({ ...options, scope: "user" }, 501);
  t.is(files[0]?.path, `/home/ada/Library/LaunchAgents/${launchdUpdaterLabel}.plist`);
});

test("the updater of Windows is an hourly task of the system's, whatever characters are in its command", (t) => {
  const program = String.raw`C:\Program Files\A & B\flowstate.exe`;
  const file = String.raw`C:\Program Files\Flowstate\upgrade-task.xml`;
  const home = String.raw`C:\Users\Zoë <å>`;
  const change = windowsUpdaterChange({ command: [program, "upgrade", "--home", home] }, file);
  const content = textOf(change);
  t.regex(content, /^[\0-\x7f]*$/, "whatever the system's code page is");
  const task = new DOMParser().parseFromString(content, "text/xml");
  const said = (name: string): string | null | undefined => task.getElementsByTagName(name)[0]?.textContent;
  t.deepEqual(["Interval", "UserId", "MultipleInstancesPolicy", "Command", "Arguments"].map(said), [
    "PT1H",
    "S-1-5-18",
    "IgnoreNew",
    program,
    `upgrade --home "${home}"`,
  ]);
  t.is(change.files[0]?.path, file);
  t.deepEqual(
    [...change.afterInstall, ...change.beforeRemove].map(([tool, ...args]) => [tool, ...args].join(" ")),
    [
      String.raw`C:\Windows\System32\schtasks.exe /create /tn ${windowsUpdater} /xml ${file} /f`,
      String.raw`C:\Windows\System32\schtasks.exe /delete /tn ${windowsUpdater} /f`,
    ],
  );
});

test("the Windows service is made once, told what it is each time, and taken away even where it has gone", async (t) => {
  using root = temporaryFolder();
  const change = windowsServiceChange(options);
  const ran: string[] = [];
  let isThere = false;
  const run = async ([program, verb = "", ...args]: Command): Promise<void> => {
    ran.push(verb);
    t.true(program.startsWith("C:\\Windows\\System32\\"), "no other program of that name");
    if (verb === "config") t.is(args[2], commandAsWindowsReadsIt);
    if (isThere === (verb === "create")) throw new Error(isThere ? "it exists" : "it does not exist");
    if (verb === "create" || verb === "delete") isThere = verb === "create";
  };
  const hands = { root: root.path, run };
  const trace = traceOf(change, hands, null);
  for (const _ of ["once", "again"]) await applyChange(change, hands);
  t.deepEqual(ran, [...windowsVerbs, ...windowsVerbs]);
  for (const _ of ["once", "again"]) await revertChange(trace, hands);
  t.false(isThere);
});

test("a program that is still held is waited for on Windows, and nowhere else", (t) => {
  const held = (times: number) => {
    let left = times;
    return () => {
      if (left-- > 0) throw Object.assign(new Error("held"), { code: "EPERM" });
    };
  };
  t.notThrows(() => whenFree(held(2), "win32"));
  t.throws(() => whenFree(held(1), "linux"), { message: "held" });
  const absent = () => readFileSync("/nowhere/at/all");
  t.throws(() => whenFree(() => void absent(), "win32"), { code: "ENOENT" });
});

test("a program that installs itself from where it is installed is left as it is", async (t) => {
  using root = temporaryFolder();
  const path = join(root.path, "flowstate");
  writeFileSync(path, "program", { mode: 0o700 });
  const change = { ...noChange, name: "program", files: [{ path, content: { copyOf: path }, mode: 0o755 }] };
  const before = statSync(path).ino;
  await applyChange(change, { root: "", run: () => Promise.resolve() });
  t.is(statSync(path).ino, before);
  t.is(statSync(path).mode & 0o777, 0o755);
});

const windowsVerbs = ["stop", "create", "config", "description", "failure", "failureflag", "start"];
/** By the rules of CommandLineToArgvW. */
const commandAsWindowsReadsIt = String.raw`${process.execPath} "/opt/a & b/<agent>.js" run "say \"hi\" 50% $HOME"`;

const stores: [store: TrustStore, folder: string, update: string][] = [
  ["debian", "usr/local/share/ca-certificates", "update-ca-certificates --fresh"],
  ["redhat", "etc/pki/ca-trust/source/anchors", "update-ca-trust extract"],
  ["suse", "usr/share/pki/trust/anchors", "update-ca-certificates"],
  ["arch", "etc/ca-certificates/trust-source/anchors", "trust extract-compat"],
];

for (const [store, folder, update] of stores) {
  test(`trust on ${store} is placed, placed again and taken back without a trace`, async (t) => {
    using root = temporaryFolder();
    const anchors = join(root.path, folder);
    mkdirSync(anchors, { recursive: true });
    writeFileSync(join(anchors, "other.crt"), "other");
    t.is(findTrustStore("linux", root.path), store);
    const ran: string[] = [];
    const run = async (command: Command): Promise<void> => void ran.push(command.join(" "));
    const change = trustChange(store, certificate);
    const trace = traceOf(change, { root: root.path, run }, null);
    await applyChange(change, { root: root.path, run });
    await applyChange(change, { root: root.path, run });
    t.is(readFileSync(join(anchors, "flowstate-device.crt"), "utf8"), certificate.pem);
    await revertChange(trace, { root: root.path, run });
    t.deepEqual(readdirSync(anchors), ["other.crt"]);
    t.is(ran.at(-1), update);
  });
}

test("the stores of macOS and Windows are told the very certificate to remove", (t) => {
  t.true(trustChange("macos", certificate).beforeRemove.flat().includes("AB12"));
  t.true(trustChange("windows", certificate).beforeRemove.flat().includes("AB12"));
  t.is(findTrustStore("darwin"), "macos");
  t.is(findTrustStore("win32"), "windows");
});

test("a command that fails does not leave the rest behind", async (t) => {
  using root = temporaryFolder();
  const change = systemdChange(options);
  const trace = traceOf(change, { root: root.path, run: () => Promise.resolve() }, null);
  await applyChange(change, { root: root.path, run: () => Promise.resolve() });
  const run = () => Promise.reject(new Error("no systemd here"));
  await t.throwsAsync(revertChange(trace, { root: root.path, run }), { message: "no systemd here" });
  t.false(existsSync(join(root.path, change.files[0]?.path ?? "")));
  t.deepEqual(readdirSync(root.path), []);
});

test("lines go into a file of somebody else's and out of it again, folders with them where they are new", async (t) => {
  using root = temporaryFolder();
  const hands = { root: root.path, run: () => Promise.resolve() };
  writeFileSync(join(root.path, "kept"), "mine, without an end");
  const change = {
    ...noChange,
    name: "lines",
    lines: ["/kept", "/a/b/new"].map((path) => ({ path, lines: "ours\n" })),
  };
  const first = traceOf(change, hands, null);
  await applyChange(change, hands);
  const second = traceOf(change, hands, first);
  await applyChange(change, hands);
  t.deepEqual(second, first, "a second time does not make it forget what was new at the first");
  t.is(readFileSync(join(root.path, "kept"), "utf8").match(/ours/g)?.length, 1);
  await revertChange(second, hands);
  await revertChange(second, hands);
  t.is(readFileSync(join(root.path, "kept"), "utf8"), "mine, without an end");
  t.deepEqual(readdirSync(root.path), ["kept"]);
});

test("a shell and systemd read the tools' environment back", (t) => {
  const authority = { caFile: "/it's here/$HOME/ca.pem", bundleFile: "/b.pem" };
  const environment = toolEnvironment({ relayPort: 7480, authority, direct: ["control.example.com"] });
  const printed = execFileSync("sh", ["-c", `${shellExports(environment)}env`], {
    env: {},
    encoding: "utf8",
  });
  for (const [name, value] of Object.entries(environment))
    t.true(printed.includes(`${name}=${value}\n`), name);
  t.is(environment["NO_PROXY"], "localhost,127.0.0.1,::1,control.example.com");
  t.false("SSL_CERT_FILE" in toolEnvironment({ relayPort: 7480, authority: null, direct: [] }));
  const generator = "/usr/lib/systemd/user-environment-generators/30-systemd-environment-d-generator";
  if (!existsSync(generator)) return t.log("systemd's generator of environments is not on this machine");
  using home = temporaryFolder();
  mkdirSync(join(home.path, "environment.d"));
  writeFileSync(join(home.path, "environment.d/90-flowstate.conf"), environmentFile(environment));
  const generated = execFileSync(generator, { env: { XDG_CONFIG_HOME: home.path }, encoding: "utf8" });
  const read = execFileSync("sh", ["-c", `set -a\n${generated}\nenv`], { env: {}, encoding: "utf8" });
  for (const [name, value] of Object.entries(environment)) t.true(read.includes(`${name}=${value}\n`), name);
});

test("marked lines come once and go without a trace, whatever stands around them", (t) => {
  const text = fc.string({ unit: fc.constantFrom("a", "\n", "#", " ") });
  fc.assert(
    fc.property(text, text, (before, ours) => {
      const marked = withMarkedLines(withMarkedLines(before, "old\n"), `${ours}\n`);
      return (
        !marked.includes("old\n# <<<") &&
        withoutMarkedLines(marked) === before &&
        withoutMarkedLines(before) === before &&
        withoutMarkedLines(`${marked}after\n`) === `${before}after\n`
      );
    }),
  );
  t.is(withMarkedLines("an end\n", "a\n"), "an end\n# >>> flowstate >>>\na\n# <<< flowstate <<<\n");
});
