import { writeFileSync } from "node:fs";
import { join } from "node:path";
import test from "ava";
import { mintKey } from "@flowstate/shared/keys";
import { machine, machineEnv, noFlags, treeOf } from "../../test/support/machine.ts";
import { parseScope, settingsToStore, type InstallFlags } from "./options.ts";
import { findPerson, parseDscl, parsePasswd, type Person } from "./person.ts";
import { prepare } from "./prepare.ts";
import { runCommand } from "./run-command.ts";

const refusals: [what: string, flags: Partial<InstallFlags>, env: NodeJS.ProcessEnv, message: RegExp][] = [
  ["no key", {}, { FLOWSTATE_OTLP_KEY: "" }, /^FLOWSTATE_OTLP_KEY: it takes the organisation's key/],
  ["a key of another kind", { key: mintKey("api").text }, {}, /^FLOWSTATE_OTLP_KEY/],
  ["an e-mail that was not filled in", { user: "${USER_EMAIL}" }, {}, /^FLOWSTATE_USER/],
  ["a host that is none", { host: "a b" }, {}, /FLOWSTATE_CLOUD_PROXY is "https:\/\/a b"/],
  ["a second line in a value", { user: "a@example.com\nX=1" }, {}, /one line/],
  [
    "a way out that there is not",
    {},
    { FLOWSTATE_MODE: "carrier-pigeon" },
    /^FLOWSTATE_MODE: it takes cloud-proxy/,
  ],
  ["a mode that is none", { mode: "spy" }, {}, /^--mode spy: it takes telemetry or enterprise/],
  ["a scope that is none", { scope: "planet" }, {}, /^--scope planet: it takes system or user/],
  ["nobody to run as", {}, { SUDO_USER: "" }, /^--run-as: say whose tools/],
  ["an account that is not there", { runAs: "grace" }, {}, /^there is no account grace/],
  ["an account that is no name", { runAs: "../ada" }, {}, /^there is no account/],
  [
    "a relay whose port nobody can know",
    { host: "proxy.example.com" },
    { FLOWSTATE_RELAY_PORT: "0" },
    /^FLOWSTATE_RELAY_PORT/,
  ],
];

for (const [what, flags, env, message] of refusals) {
  test(`an installation is refused before it changes anything: ${what}`, (t) => {
    using at = machine("linux");
    const before = treeOf(at.root);
    const surroundings = { ...at.surroundings, env: { ...at.surroundings.env, ...env } };
    t.throws(() => prepare({ ...noFlags, ...flags }, surroundings), { message });
    t.deepEqual(treeOf(at.root), before);
  });
}

test("a shell that has a proxy keeps it, and one that has the relay gets the new one", (t) => {
  const env = { ...machineEnv, FLOWSTATE_CAPTURE: "relay,intercept" };
  const toolsWith = (more: NodeJS.ProcessEnv) => {
    using at = machine("linux");
    return prepare(noFlags, { ...at.surroundings, env: { ...env, ...more } });
  };
  t.like(toolsWith({ https_proxy: "http://me:secret@proxy.corp:3128" }), {
    tools: null,
    otherProxy: "proxy.corp:3128",
  });
  t.like(toolsWith({ HTTPS_PROXY: "http://127.0.0.1:7480" }), { tools: { relayPort: 7480 } });
  t.is(toolsWith({ HTTPS_PROXY: "nonsense" }).tools, null);
  const known = { HTTPS_PROXY: "http://proxy.corp:3128", FLOWSTATE_UPSTREAM_PROXY: "http://proxy.corp:3128" };
  t.like(toolsWith(known), { tools: { relayPort: 7480 }, otherProxy: null });
});

const profiles: [what: string, files: readonly string[], profiles: readonly string[]][] = [
  ["none", [], [".profile"]],
  ["a profile of bash", [".bash_profile", ".bash_login"], [".bash_profile"]],
  ["a login file of bash", [".bash_login"], [".bash_login"]],
  ["a settings file of zsh", [".zshrc"], [".profile", ".zshenv"]],
];

for (const [what, files, expected] of profiles) {
  test(`shells are told in the files that they read: ${what}`, (t) => {
    using at = machine("linux");
    for (const file of files) writeFileSync(join(at.root, at.home, file), "");
    const env = { ...machineEnv, FLOWSTATE_CAPTURE: "relay,intercept" };
    t.deepEqual(prepare(noFlags, { ...at.surroundings, env }).tools?.profiles, expected);
  });
}

test("flags win over the environment, and this over what is stored", (t) => {
  const stored = { FLOWSTATE_USER: "stored", FLOWSTATE_RELAY_PORT: "1", FLOWSTATE_CAPTURE: "relay" };
  const env = { FLOWSTATE_USER: "env", FLOWSTATE_RELAY_PORT: "2", FLOWSTATE_CAPTURE: "", PATH: "/bin" };
  t.deepEqual(settingsToStore({ ...noFlags, user: "flag", host: "proxy.example.com:8443" }, env, stored), {
    FLOWSTATE_USER: "flag",
    FLOWSTATE_RELAY_PORT: "2",
    FLOWSTATE_CAPTURE: "relay",
    FLOWSTATE_CLOUD_PROXY: "https://proxy.example.com:8443",
  });
  t.is(parseScope(undefined, "linux", false), "user");
  t.throws(() => parseScope("system", "linux", false), { message: /sudo/ });
  t.throws(() => parseScope("user", "win32", true), { message: /Windows/ });
});

const modes: [
  what: string,
  flags: Partial<InstallFlags>,
  capture: string | undefined,
  after: string | undefined,
][] = [
  ["none asked for", {}, undefined, undefined],
  ["telemetry", { mode: "telemetry" }, "relay", "relay"],
  ["enterprise", { mode: "enterprise" }, undefined, "session-logs,otlp,relay,intercept"],
  ["enterprise over what is stored", { mode: "enterprise" }, "fluency", "fluency,relay,intercept"],
  ["enterprise again", { mode: "enterprise" }, "relay, intercept", "relay,intercept"],
];

for (const [what, flags, capture, after] of modes) {
  test(`a mode makes the device able to hear, and says nothing about what is kept: ${what}`, (t) => {
    const stored = capture === undefined ? {} : { FLOWSTATE_CAPTURE: capture };
    const settings = settingsToStore({ ...noFlags, ...flags }, {}, stored);
    t.deepEqual(settings, after === undefined ? {} : { FLOWSTATE_CAPTURE: after });
  });
}

test("what a device is installed with hears once enterprise mode is asked for", (t) => {
  using at = machine("linux");
  t.is(prepare({ ...noFlags }, at.surroundings).authority, null);
  t.not(prepare({ ...noFlags, mode: "enterprise" }, at.surroundings).authority, null);
});

test("accounts are read as Linux and macOS print them", (t) => {
  const passwd = "root:x:0:0::/root:/bin/sh\nada:x:1000:100:Ada,,,:/home/ada:/bin/sh\nbad:x:y:1::/:/bin/sh\n";
  t.deepEqual(parsePasswd("ada", passwd), {
    account: "ada",
    home: "/home/ada",
    owner: { uid: 1000, gid: 100 },
  });
  t.is(parsePasswd("bad", passwd), null);
  t.is(parsePasswd("nobody", passwd), null);
  const dscl = "NFSHomeDirectory: /Users/ada\nPrimaryGroupID: 20\nUniqueID: 501\n";
  const ada: Person = { account: "ada", home: "/Users/ada", owner: { uid: 501, gid: 20 } };
  t.deepEqual(parseDscl("ada", dscl), ada);
  t.is(parseDscl("ada", dscl.replace(": /Users/ada", ":\n /Users/a b"))?.home, "/Users/a b");
  t.is(parseDscl("ada", "DS Error: -14136"), null);
  t.deepEqual(findPerson("ada", { platform: "darwin", root: "", ask: () => dscl }), ada);
  t.is(findPerson(String.raw`ACME\ada`, { platform: "win32", root: "" }).home, String.raw`C:\Users\ada`);
});

test("a command that fails is named with its own last words, and one that is absent by its name", async (t) => {
  const env = { PATH: process.env["PATH"] };
  const script = "echo first >&2; echo the reason >&2; exit 3";
  await t.throwsAsync(runCommand(["sh", "-c", script], env), { message: /^sh -c .*: the reason$/ });
  await t.throwsAsync(runCommand(["no-such-program"], env), {
    message: /^no-such-program is not on this machine/,
  });
  await t.notThrowsAsync(runCommand(["sh", "-c", "exit 0"], env));
});
