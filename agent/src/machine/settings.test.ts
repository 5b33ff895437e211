import { execFileSync } from "node:child_process";
import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import test from "ava";
import fc from "fast-check";
import { temporaryFolder } from "@flowstate/shared/testing/temp";
import { managedSettings, withManaged } from "./managed-settings.ts";
import { parseRegistryQuery, parseSettingsFile, renderSettingsFile } from "./settings-file.ts";

const name = fc.stringMatching(/^FLOWSTATE_[A-Z][A-Z0-9_]{0,20}$/);
const value = fc.string({ unit: fc.constantFrom(...Array.from("ab1 \"'`$\\#=%@&;|<>{}é")) });

test("settings are read back as they were written, by this program and by a shell", (t) => {
  const all: Record<string, string> = {};
  fc.assert(
    fc.property(fc.dictionary(name, value), (settings) => {
      Object.assign(all, settings);
      t.deepEqual(parseSettingsFile(renderSettingsFile(settings)), { ...settings });
    }),
  );
  using folder = temporaryFolder();
  const file = join(folder.path, "flowstate.env");
  writeFileSync(file, renderSettingsFile(all));
  const script = `set -a; . "$0"; exec "$@"`;
  const print =
    "for (const n in process.env) if (/^FLOWSTATE_/.test(n)) console.log(JSON.stringify([n, process.env[n]]))";
  const printed = execFileSync("sh", ["-c", script, file, process.execPath, "-e", print], {
    env: {},
    encoding: "utf8",
  });
  const read = Object.fromEntries(
    printed
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as [string, string]),
  );
  t.deepEqual(read, all);
});

const lines: [line: string, settings: Record<string, string>][] = [
  ["FLOWSTATE_USER=ada@example.com", { FLOWSTATE_USER: "ada@example.com" }],
  ["  export FLOWSTATE_USER='ada lovelace'  ", { FLOWSTATE_USER: "ada lovelace" }],
  ["FLOWSTATE_USER=", { FLOWSTATE_USER: "" }],
  ["# FLOWSTATE_USER=ada", {}],
  ["PATH=/tmp", {}],
  ['FLOWSTATE_USER="ada', {}],
  ["FLOWSTATE_USER=ada lovelace", {}],
  ["flowstate_user=ada", {}],
];

for (const [line, settings] of lines) {
  test(`a settings file: ${line}`, (t) => {
    t.deepEqual(parseSettingsFile(`${line}\r\n`), settings);
  });
}

test("no text makes the parsers throw", (t) => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      parseSettingsFile(text);
      parseRegistryQuery(text);
    }),
  );
  t.pass();
});

test("the registry's answer is read", (t) => {
  const printed = [
    "",
    String.raw`HKEY_LOCAL_MACHINE\SOFTWARE\Flowstate\Agent`,
    "    (Default)    REG_SZ    nothing",
    "    FLOWSTATE_USER    REG_SZ    ada    lovelace@example.com",
    "    FLOWSTATE_CLOUD_PROXY    REG_SZ",
    "    FLOWSTATE_RELAY_PORT    REG_DWORD    0x1d38",
    "",
  ].join("\r\n");
  t.deepEqual(parseRegistryQuery(printed), {
    FLOWSTATE_USER: "ada    lovelace@example.com",
    FLOWSTATE_CLOUD_PROXY: "",
  });
});

test("the environment wins over the person's settings, and these over the machine's", (t) => {
  using folder = temporaryFolder();
  const machineFile = join(folder.path, "flowstate.env");
  writeFileSync(machineFile, "FLOWSTATE_USER=machine\nFLOWSTATE_RELAY_PORT=1\nFLOWSTATE_CAPTURE=relay\n");
  mkdirSync(join(folder.path, ".flowstate"));
  writeFileSync(
    join(folder.path, ".flowstate/flowstate.env"),
    "FLOWSTATE_USER=person\nFLOWSTATE_RELAY_PORT=2\n",
  );
  const sources = managedSettings(folder.path, { machineFile });
  t.like(withManaged({ FLOWSTATE_USER: "env", FLOWSTATE_RELAY_PORT: "" }, sources), {
    FLOWSTATE_USER: "env",
    FLOWSTATE_RELAY_PORT: "2",
    FLOWSTATE_CAPTURE: "relay",
  });
  if (process.getuid?.() === 0) return;
  chmodSync(machineFile, 0);
  t.true(managedSettings(folder.path, { machineFile })[0]?.closed);
});
