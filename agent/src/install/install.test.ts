import { globSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import test from "ava";
import { parse as parseJsonc } from "jsonc-parser";
import { parse as parsePlist } from "plist";
import { parse as parseToml } from "smol-toml";
import { generateReleaseKey } from "@flowstate/shared/release-signature";
import { createAuthority } from "@flowstate/shared/tls/certificate";
import { key, machine, machineEnv, me, noFlags, treeOf } from "../../test/support/machine.ts";
import { claimUpgrade } from "../local/instance.ts";
import type { Hands } from "../machine/change.ts";
import { isOwn } from "./data.ts";
import { install, uninstall } from "./install.ts";
import type { Person } from "./person.ts";
import { planInstallation, type Installation } from "./plan.ts";
import { prepare } from "./prepare.ts";
import { readRecord, recordFile } from "./record.ts";

const intercepting = { FLOWSTATE_CAPTURE: "session-logs,relay,intercept" };

test("an installation of a machine can be done twice, changed, and taken back to the byte", async (t) => {
  using at = machine("linux");
  const before = treeOf(at.root);
  const env = {
    ...at.surroundings.env,
    ...intercepting,
    FLOWSTATE_CONTROL_PLANE: "https://control.example.com",
  };
  await install(prepare(noFlags, { ...at.surroundings, env }), at.hands);
  const first = treeOf(at.root);
  t.deepEqual(at.ran, [
    "update-ca-certificates",
    "systemctl stop flowstate-agent.service",
    "systemctl daemon-reload",
    "systemctl enable flowstate-agent.service",
    "systemctl start flowstate-agent.service",
  ]);
  t.regex(first["/etc/flowstate.env"] ?? "", new RegExp(`^100600 [^]*FLOWSTATE_OTLP_KEY="${key}"`));
  t.regex(first["/etc/systemd/system/flowstate-agent.service"] ?? "", /\nUser=ada\n/);
  t.regex(
    first["/home/ada/.profile"] ?? "",
    /umask 022\n# >>> flowstate.*\n[^]*NO_PROXY='[^']*,control\.example\.com'/,
  );
  t.is(
    first["/usr/local/share/ca-certificates/flowstate-device.crt"]?.slice(7),
    first["/home/ada/.flowstate/tls/ca.pem"]?.slice(7),
  );
  t.true(
    first["/home/ada/.flowstate/tls/bundle.pem"]?.endsWith(
      first["/home/ada/.flowstate/tls/ca.pem"]?.slice(7) ?? "-",
    ),
  );
  for (const [path, text] of Object.entries(first))
    if (path !== "/etc/flowstate.env") t.false(text.includes(key), path);

  const bare = { ...at.surroundings, env: {} };
  await install(prepare(noFlags, bare), at.hands);
  t.deepEqual(treeOf(at.root), first, "a bare install finds what was stored, and changes nothing");

  at.ran.length = 0;
  await install(prepare(noFlags, { ...bare, env: { FLOWSTATE_CAPTURE: "session-logs" } }), at.hands);
  t.is(at.ran[0], "update-ca-certificates --fresh", "what is no longer wanted goes first");
  t.is(at.ran.at(-1), "systemctl start flowstate-agent.service");
  const second = treeOf(at.root);
  t.false("/usr/local/share/ca-certificates/flowstate-device.crt" in second);
  t.is(second["/home/ada/.profile"], before["/home/ada/.profile"]);
  t.false("/home/ada/.zshenv" in second);

  const record = readRecord(join(at.root, "/var/lib/flowstate/installed.json"));
  if (record === null) return t.fail("there is no record");
  await uninstall(record, { keepData: false, ...at.hands });
  t.deepEqual(treeOf(at.root), before);
});

test("an installation for one account does not become one for another", async (t) => {
  using at = machine("linux");
  await install(prepare(noFlags, at.surroundings), at.hands);
  const surroundings = { ...at.surroundings, env: { SUDO_USER: "grace" } };
  t.is(
    prepare(noFlags, surroundings).person.account,
    "ada",
    "whoever calls sudo later is only its administrator",
  );
  t.throws(() => prepare({ ...noFlags, runAs: "grace" }, surroundings), {
    message: /installed for the account ada/,
  });
});

test("data is kept where it is to be, and a new installation finds it", async (t) => {
  using at = machine("linux");
  await install(prepare(noFlags, at.surroundings), at.hands);
  writeFileSync(join(at.root, "/home/ada/.flowstate/ledger.db"), "calls");
  writeFileSync(join(at.root, "/home/ada/.flowstate/notes.txt"), "none of ours");
  const record = readRecord(join(at.root, "/var/lib/flowstate/installed.json"));
  if (record === null) return t.fail("there is no record");
  await uninstall(record, { keepData: true, ...at.hands });
  t.deepEqual(readdirSync(join(at.root, "/home/ada/.flowstate")).sort(), ["ledger.db", "notes.txt"]);
  await uninstall(record, { keepData: false, ...at.hands });
  t.deepEqual(readdirSync(join(at.root, "/home/ada/.flowstate")), ["notes.txt"]);
});

test("whatever the sources put into the data folder is removed with it", (t) => {
  const sources = join(import.meta.dirname, "..");
  const names = globSync("**/*.ts", { cwd: sources }).flatMap((file) =>
    [...readFileSync(join(sources, file), "utf8").matchAll(/join\((?:\w+\.)?dataFolder, "([^"]+)"/g)].map(
      ([, name = ""]) => name,
    ),
  );
  t.true(names.includes("ledger.db"));
  t.deepEqual(
    names.filter((name) => !isOwn(name)),
    [],
    "name it in install/data.ts",
  );
});

test("an installation that breaks off at any command can be taken back to the byte", async (t) => {
  for (let good = 0; good < 4; good += 1) {
    using at = machine("linux");
    const before = treeOf(at.root);
    const env = { ...at.surroundings.env, ...intercepting };
    let left = good;
    const breaking: Hands = {
      root: at.root,
      run: ([, verb]) =>
        verb === "stop" || left-- > 0 ? Promise.resolve() : Promise.reject(new Error("no more")),
    };
    await t.throwsAsync(install(prepare(noFlags, { ...at.surroundings, env }), breaking), {
      message: "no more",
    });
    const file = join(at.root, "/var/lib/flowstate/installed.json");
    const record = readRecord(file);
    if (record === null) return t.fail("there is no record");
    const failing: Hands = { root: at.root, run: () => Promise.reject(new Error("not even this")) };
    await t.throwsAsync(uninstall(record, { keepData: false, ...failing }), { message: "not even this" });
    const rest = readRecord(file);
    if (rest === null) return t.fail("the record went before everything had been taken back");
    t.deepEqual(
      rest.traces.map(({ name }) => name),
      ["record", "trust", "service"],
    );
    await uninstall(rest, { keepData: false, ...at.hands });
    t.deepEqual(treeOf(at.root), before, `after ${good} commands`);
  }
});

test("a packaged agent that is given a release key has an updater, and keeps both through a bare install", async (t) => {
  using at = machine("linux");
  const before = treeOf(at.root);
  const file = join(at.root, "flowstate-packaged");
  writeFileSync(file, "program 1");
  const { publicKey } = generateReleaseKey();
  const packaged = { ...at.surroundings, program: { kind: "executable", file } } as const;
  const keyed = { ...packaged, env: { ...at.surroundings.env, FLOWSTATE_RELEASE_KEY: publicKey } };
  await install(prepare(noFlags, keyed), at.hands);
  const first = treeOf(at.root);
  t.is(first["/var/lib/flowstate/release-key"], `100644 ${publicKey}\n`);
  t.false((first["/etc/flowstate.env"] ?? "").includes(publicKey), "the person could change it there");
  t.regex(
    first["/etc/systemd/system/flowstate-upgrade.service"] ?? "",
    /\nExecStart="\/usr\/local\/bin\/flowstate" "upgrade" "--scheduled"\n/,
  );
  t.true(at.ran.includes("systemctl enable flowstate-upgrade.timer"));
  await install(prepare(noFlags, { ...packaged, env: {} }), at.hands);
  t.deepEqual(treeOf(at.root), first);

  for (const releaseKey of ["fsr_short", publicKey.slice(4)])
    t.throws(() => prepare({ ...noFlags, releaseKey }, packaged), { message: /FLOWSTATE_RELEASE_KEY/ });
  writeFileSync(join(at.root, "/var/lib/flowstate/upgrade.json"), "{}");
  mkdirSync(join(at.root, "/usr/local/bin/.flowstate-upgrade"));
  writeFileSync(join(at.root, "/usr/local/bin/.flowstate-upgrade/previous"), "program 0");
  const record = readRecord(join(at.root, "/var/lib/flowstate/installed.json"));
  if (record === null) return t.fail("there is no record");
  const lock = claimUpgrade(join(at.root, "/var/lib/flowstate/upgrade.db"));
  const early = uninstall(record, { keepData: false, ...at.hands });
  await t.throwsAsync(early, { message: /an upgrade is under way/ });
  lock[Symbol.dispose]();
  await uninstall(record, { keepData: false, ...at.hands });
  t.deepEqual(treeOf(at.root), { ...before, "/flowstate-packaged": "100644 program 1" });
});

test("an upgrade replaces the program and adds nothing that was left alone, nor stops what does it", async (t) => {
  using at = machine("linux");
  mkdirSync(join(at.root, at.home, ".claude"));
  const file = join(at.root, "flowstate-packaged");
  writeFileSync(file, "program 1");
  const { publicKey: releaseKey } = generateReleaseKey();
  const env = { ...at.surroundings.env, FLOWSTATE_CAPTURE: "session-logs,otlp,relay,intercept" };
  const surroundings = { ...at.surroundings, env, program: { kind: "executable", file } } as const;
  await install(prepare({ releaseKey, tools: false, trust: false }, surroundings), at.hands);
  const first = treeOf(at.root);
  at.ran.length = 0;
  writeFileSync(file, "program 2");
  const settings = join(at.root, "/etc/flowstate.env");
  const kept = readFileSync(settings, "utf8");
  writeFileSync(settings, `${kept}FLOWSTATE_CONTROL_PLANE="https://elsewhere.example.com"\n`);
  const bare = { ...surroundings, env: {} };
  await install(prepare(noFlags, bare), at.hands, { asBefore: true });
  writeFileSync(settings, kept);
  t.deepEqual(treeOf(at.root), {
    ...first,
    "/flowstate-packaged": "100644 program 2",
    "/usr/local/bin/flowstate": "100755 program 2",
  });
  t.deepEqual(at.ran, [
    "systemctl stop flowstate-agent.service",
    "systemctl daemon-reload",
    "systemctl enable flowstate-agent.service",
    "systemctl start flowstate-agent.service",
  ]);
  await install(prepare(noFlags, bare), at.hands);
  t.true(at.ran.includes("update-ca-certificates"), "an installation by somebody decides anew");
});

test("on macOS the plists parse, and nothing stays behind", async (t) => {
  for (const scope of ["system", "user"]) {
    using at = machine("darwin");
    const before = treeOf(at.root);
    const self: Person = { account: "ada", home: "/Users/ada", owner: me };
    const env = { ...at.surroundings.env, SUDO_USER: "", ...intercepting };
    const installation: Installation = {
      ...prepare({ ...noFlags, scope: "user" }, { ...at.surroundings, env, self }),
      scope: scope === "system" ? "system" : "user",
      trustStore: scope === "system" ? "macos" : null,
    };
    await install(installation, at.hands);
    const folder = scope === "system" ? "/Library/LaunchDaemons" : "/Users/ada/Library/LaunchAgents";
    const file = join(at.root, folder, "inc.flowstate.agent.proxy.plist");
    t.like(parsePlist(readFileSync(file, "utf8")), {
      ProgramArguments: ["/opt/node", "/opt/flow state/flowstate.js", "run", "--service"],
      EnvironmentVariables: { HOME: "/Users/ada" },
    });
    t.is(
      at.ran.filter((command) => command.startsWith("security add-trusted-cert")).length,
      scope === "system" ? 1 : 0,
    );
    t.true(at.ran.at(-1)?.startsWith("launchctl bootstrap "));
    const records = ["/var/lib/flowstate/installed.json", "/Users/ada/.local/state/flowstate/installed.json"];
    const record = readRecord(join(at.root, records[scope === "system" ? 0 : 1] ?? ""));
    if (record === null) return t.fail("there is no record");
    await uninstall(record, { keepData: false, ...at.hands });
    t.deepEqual(treeOf(at.root), before);
  }
});

test("on Windows the service is the agent itself in the person's profile, and the key is in no command", (t) => {
  const person: Person = { account: "ada", home: String.raw`C:\Users\Ada & Co`, owner: null };
  const installation = {
    platform: "win32",
    scope: "system",
    person,
    program: { kind: "executable", file: String.raw`D:\flowstate.exe` },
    settings: { FLOWSTATE_OTLP_KEY: key, FLOWSTATE_USER: "ada@example.com" },
    dataFolder: String.raw`C:\Users\Ada & Co\.flowstate`,
    controlPlane: "https://control.example.com",
    otherProxy: null,
    tools: { relayPort: 7480, direct: [], profiles: [] },
    telemetry: null,
    authority: { pem: "", sha1: "", sha256: "", caFile: "", bundleFile: "", bundle: "" },
    releaseKey: null,
    trustStore: "windows",
  } as const;
  const changes = planInstallation(installation);
  t.deepEqual(
    changes.flatMap(({ files }) => files.map(({ path }) => path)),
    [
      String.raw`C:\Program Files\Flowstate\flowstate.exe`,
      String.raw`C:\Users\Ada & Co\.flowstate\flowstate.env`,
      String.raw`C:\Program Files\Flowstate\device-ca.pem`,
    ],
  );
  t.is(
    recordFile("win32", "system", person.home),
    String.raw`C:\Program Files\Flowstate\installed.json`,
    "an administrator runs what stands in it, so that nobody else may write it",
  );
  const [program, service] = [changes[0], changes.at(-1)];
  t.deepEqual(program?.toStop, service?.toStop, "a program that runs cannot be replaced there");
  const create: readonly string[] = service?.toMake[0] ?? [];
  t.is(
    create[create.indexOf("binPath=") + 1],
    String.raw`"C:\Program Files\Flowstate\flowstate.exe" run --service --home "C:\Users\Ada & Co"`,
  );
  t.false(JSON.stringify(service).includes(key));
  const updated = planInstallation({ ...installation, releaseKey: "fsr_key" }).slice(changes.length);
  t.deepEqual(
    updated.flatMap(({ files }) => files.map(({ path }) => path)),
    [
      String.raw`C:\Program Files\Flowstate\release-key`,
      String.raw`C:\Program Files\Flowstate\upgrade-task.xml`,
    ],
  );
  t.regex(JSON.stringify(updated), /upgrade --scheduled --home &quot;/);
});

const claudeSettings = '{\n  // mine\n  "model": "opus",\n  "env": { "EDITOR": "vi" }\n}\n';
const codexConfig = 'model = "gpt-5"\n\n[projects."/src"]\ntrust_level = "trusted"';

test("tools are told where to send their telemetry, told anew when that changes, and told no more", async (t) => {
  using at = machine("linux");
  const home = join(at.root, at.home);
  for (const folder of [".claude", ".codex", ".gemini"]) mkdirSync(join(home, folder));
  writeFileSync(join(home, ".claude/settings.json"), claudeSettings);
  writeFileSync(join(home, ".codex/config.toml"), codexConfig);
  const before = treeOf(at.root);
  const read = (file: string): string => readFileSync(join(home, file), "utf8");
  for (const port of ["4318", "4319"]) {
    const env = { ...at.surroundings.env, FLOWSTATE_OTLP_PORT: port };
    for (const _ of ["once", "again"]) await install(prepare(noFlags, { ...at.surroundings, env }), at.hands);
    const address = `http://127.0.0.1:${port}`;
    t.like(parseJsonc(read(".claude/settings.json")), {
      model: "opus",
      env: { EDITOR: "vi", CLAUDE_CODE_ENABLE_TELEMETRY: "1", OTEL_EXPORTER_OTLP_ENDPOINT: address },
    });
    t.deepEqual(parseToml(read(".codex/config.toml")), {
      model: "gpt-5",
      projects: { "/src": { trust_level: "trusted" } },
      otel: {
        exporter: { "otlp-http": { endpoint: `${address}/v1/logs`, protocol: "binary" } },
        log_user_prompt: false,
      },
    });
    t.like(JSON.parse(read(".gemini/settings.json")), {
      telemetry: { enabled: true, otlpEndpoint: address, logPrompts: false },
    });
  }
  const record = readRecord(join(at.root, "/var/lib/flowstate/installed.json"));
  if (record === null) return t.fail("there is no record");
  await uninstall(record, { keepData: false, ...at.hands });
  t.deepEqual(treeOf(at.root), before);
});

test("a person's own telemetry, and a file that cannot be read, stay as they are", async (t) => {
  using at = machine("linux");
  const home = join(at.root, at.home);
  const own = {
    ".claude/settings.json": '{"env":{"OTEL_EXPORTER_OTLP_ENDPOINT":"http://collector:4318"}}',
    ".codex/config.toml": '[otel]\nexporter = "none"\n',
    ".gemini/settings.json": "{ not JSON",
  };
  for (const [file, text] of Object.entries(own)) {
    mkdirSync(join(home, file, ".."));
    writeFileSync(join(home, file), text);
  }
  const before = treeOf(at.root);
  await install(prepare(noFlags, at.surroundings), at.hands);
  for (const [file, text] of Object.entries(own)) t.is(readFileSync(join(home, file), "utf8"), text);
  const record = readRecord(join(at.root, "/var/lib/flowstate/installed.json"));
  if (record === null) return t.fail("there is no record");
  await uninstall(record, { keepData: false, ...at.hands });
  t.deepEqual(treeOf(at.root), before);
});

test("an authority that a person has put in place is not what the system is made to trust", async (t) => {
  using at = machine("linux");
  const folder = join(at.root, at.home, ".flowstate/tls");
  mkdirSync(folder, { recursive: true });
  const { certificate, privateKey } = createAuthority({
    commonName: "Flowstate device authority",
    days: 700,
  });
  const plant = (): void => {
    writeFileSync(join(folder, "ca.pem"), certificate);
    writeFileSync(join(folder, "ca-key.pem"), privateKey);
  };
  const surroundings = { ...at.surroundings, env: { ...machineEnv, ...intercepting } };
  const trusted = join(at.root, "/usr/local/share/ca-certificates/flowstate-device.crt");
  plant();
  await install(prepare(noFlags, surroundings), at.hands);
  const first = readFileSync(trusted, "utf8");
  t.not(first, certificate);
  await install(prepare(noFlags, surroundings), at.hands);
  t.is(readFileSync(trusted, "utf8"), first, "the one that an installation made is kept");
  plant();
  await install(prepare(noFlags, surroundings), at.hands);
  t.not(readFileSync(trusted, "utf8"), certificate);
});
