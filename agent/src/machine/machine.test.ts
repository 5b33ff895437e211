import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import test from "ava";
import fc from "fast-check";
import { parse as parsePlist } from "plist";
import { temporaryFolder } from "@flowstate/shared/testing/temp";
import { applyChange, revertChange, type Command } from "./change.ts";
import {
  launchdChange,
  launchdLabel,
  systemdChange,
  windowsServiceChange,
  type ServiceOptions,
} from "./service.ts";
import { shellExports, toolEnvironment, withMarkedLines, withoutMarkedLines } from "./tool-environment.ts";
import { findTrustStore, trustChange, type TrustStore } from "./trust-store.ts";

const options: ServiceOptions = {
  command: [process.execPath, "/opt/a & b/<agent>.js", "run", 'say "hi" 50% $HOME'],
  environment: {
    FLOWSTATE_USER: "o'brien+x@example.com",
    FLOWSTATE_CLOUD_PROXY: "https://ai.example.com?a&b",
  },
  dataFolder: "/var/lib/flow state",
};
const certificate = { pem: "-----BEGIN CERTIFICATE-----\n", file: "/var/lib/ca.pem", sha1: "AB12" };

test("the launchd description says what was asked for, whatever characters are in it", (t) => {
  const [file] = launchdChange(options).files;
  const parsed = parsePlist(file?.content ?? "") as Record<string, unknown>;
  t.is(file?.path, `/Library/LaunchDaemons/${launchdLabel}.plist`);
  t.like(parsed, {
    Label: launchdLabel,
    RunAtLoad: true,
    KeepAlive: true,
    ProgramArguments: [...options.command],
  });
  t.deepEqual(parsed["EnvironmentVariables"], { ...options.environment });
});

test("the systemd unit is one that systemd accepts", (t) => {
  using folder = temporaryFolder();
  const [file] = systemdChange(options).files;
  const unit = join(folder.path, "flowstate-agent.service");
  writeFileSync(unit, file?.content ?? "");
  t.true(file?.content.includes(String.raw`"say \"hi\" 50%% $$HOME"`));
  if (!existsSync("/usr/bin/systemd-analyze")) return t.log("systemd-analyze is not on this machine");
  t.notThrows(() =>
    execFileSync("/usr/bin/systemd-analyze", ["verify", "--man=no", unit], { stdio: "pipe" }),
  );
});

test("the Windows service keeps each argument whole", (t) => {
  const { files, afterInstall } = windowsServiceChange(options, String.raw`C:\Flowstate\agent.exe`);
  t.is(files[0]?.path, String.raw`C:\Flowstate\agent.xml`);
  t.true(files[0]?.content.includes("&quot;/opt/a &amp; b/&lt;agent&gt;.js&quot; run"));
  t.true(files[0]?.content.includes(String.raw`&quot;say \&quot;hi\&quot; 50% $HOME&quot;`));
  t.deepEqual(
    afterInstall.map(([, verb]) => verb),
    ["install", "start"],
  );
});

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
    await applyChange(change, { root: root.path, run });
    await applyChange(change, { root: root.path, run });
    t.is(readFileSync(join(anchors, "flowstate-device.crt"), "utf8"), certificate.pem);
    await revertChange(change, { root: root.path, run });
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
  await applyChange(change, { root: root.path, run: () => Promise.resolve() });
  const run = () => Promise.reject(new Error("no systemd here"));
  await t.throwsAsync(revertChange(change, { root: root.path, run }), { message: "no systemd here" });
  t.false(existsSync(join(root.path, change.files[0]?.path ?? "")));
});

test("a shell reads the tools' environment back", (t) => {
  const paths = { caFile: "/it's here/ca.pem", bundleFile: "/b.pem", direct: ["control.example.com"] };
  const environment = toolEnvironment({ relayPort: 7480, ...paths });
  const printed = execFileSync("sh", ["-c", `${shellExports(environment)}env`], {
    env: {},
    encoding: "utf8",
  });
  for (const [name, value] of Object.entries(environment))
    t.true(printed.includes(`${name}=${value}\n`), name);
  t.is(environment["NO_PROXY"], "localhost,127.0.0.1,::1,control.example.com");
});

test("marked lines come once and go without a trace, whatever stands around them", (t) => {
  const line = fc.string().filter((text) => !text.includes("flowstate"));
  fc.assert(
    fc.property(line, line, (before, ours) => {
      const text = before === "" ? before : `${before}\n`;
      const marked = withMarkedLines(withMarkedLines(text, "old\n"), `${ours}\n`);
      return (
        !marked.includes("old\n# <<<") &&
        withoutMarkedLines(marked) === text &&
        withoutMarkedLines(text) === text
      );
    }),
  );
  t.is(withMarkedLines("no end", "a\n"), "no end\n# >>> flowstate >>>\na\n# <<< flowstate <<<\n");
});
