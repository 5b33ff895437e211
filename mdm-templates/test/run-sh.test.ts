import test from "ava";
import { spawnSync } from "node:child_process";
import { lstatSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { assert } from "@flowstate/shared/assert";
import { mintKey } from "@flowstate/shared/keys";
import { percentEncode } from "@flowstate/shared/net/basic-auth";
import fc from "fast-check";
import { render, targets } from "../src/render.ts";
import type { SettingsInput } from "../src/settings.ts";
import { createDevice, type Device, type System } from "./sandbox.ts";

const shells = ["sh", "bash", "dash", "zsh"].filter((shell) => spawnSync(shell, ["-c", ":"]).status === 0);
const key = mintKey("org").text;
const settings: SettingsInput = {
  proxyHost: "proxy.corp.example:7443",
  noProxy: ["corp.example"],
  nonce: "ab".repeat(12),
};

function text(target: string, variant: string, extra: Partial<SettingsInput> = {}): string {
  const payload = render(target, variant, { ...settings, ...extra });
  assert(payload.ok, payload.ok ? "" : payload.detail);
  return payload.value.content;
}

const install = (
  device: Device,
  shell: string,
  email: string,
  secret: string,
  extra: Partial<SettingsInput> = {},
) => device.run(shell, text("shell", "install", extra), { args: ["--email", email], stdin: `${secret}\n` });

const url = (email: string, secret: string) =>
  `https://${percentEncode(email)}:${secret}@proxy.corp.example:7443`;

for (const shell of shells) {
  for (const system of ["Linux", "Darwin"] as const satisfies readonly System[]) {
    test(`${shell} on ${system}: install, repeat, rotate and uninstall leave the device as it was`, (t) => {
      using device = createDevice(system);
      const before = device.snapshot();

      t.like(install(device, shell, "ada@corp.example", key), { code: 0 });
      const variables = device.loginShell(shell);
      t.is(variables["HTTPS_PROXY"], url("ada@corp.example", key));
      t.is(variables["HTTP_PROXY"], variables["HTTPS_PROXY"]);
      t.is(variables["NODE_USE_ENV_PROXY"], "1");
      t.regex(variables["NO_PROXY"] ?? "", /,corp\.example,\.corp\.example$/);
      t.is(variables["https_proxy"], undefined);
      if (system === "Darwin") t.is(device.desktop("HTTPS_PROXY"), variables["HTTPS_PROXY"] ?? "");
      t.is(device.run(shell, text("shell", "detect"), { args: ["--email", "ada@corp.example"] }).code, 0);

      const installed = device.snapshot();
      t.regex(install(device, shell, "ada@corp.example", key).stdout, /nothing to change/);
      t.deepEqual(device.snapshot(), installed);

      const rotated = mintKey("org").text;
      const detect = { args: ["--email", "ada@corp.example"], stdin: `${rotated}\n` };
      t.is(device.run(shell, text("shell", "detect"), detect).code, 1);
      t.is(install(device, shell, "ada@corp.example", rotated).code, 0);
      t.is(device.loginShell(shell)["HTTPS_PROXY"], url("ada@corp.example", rotated));
      t.is(device.run(shell, text("shell", "detect"), detect).code, 0);

      const removed = device.run(shell, text("shell", "uninstall"));
      t.is(removed.code, 0, removed.stderr);
      t.deepEqual(device.snapshot(), before);
      t.is(device.desktop("HTTPS_PROXY"), null);
      t.is(device.run(shell, text("shell", "uninstall")).code, 0);
      t.false(device.arguments().includes(key.slice(13, 40)));
    });
  }
}

test("no file that others may read holds the key, and no answer prints it", (t) => {
  for (const system of ["Linux", "Darwin"] as const) {
    using device = createDevice(system);
    const { stdout, stderr } = install(device, "sh", "ada@corp.example", key);
    t.false((stdout + stderr).includes(key));
    const holding = Object.entries(device.snapshot()).filter(([, content]) => content.includes(key));
    t.true(holding.length > 0);
    for (const [path] of holding) t.is(lstatSync(device.root + path).mode & 0o077, 0, path);
  }
});

const accepted = [
  "o'brien@corp.example",
  "ada+test@corp.example",
  "zoë.åström@corp.example",
  "50%off@corp.example",
  "a&b=c!(x)*@corp.example",
];
for (const email of accepted) {
  test(`the e-mail ${email} reaches the proxy URL percent-encoded`, (t) => {
    using device = createDevice("Darwin");
    device.profile(email);
    const run = device.run("sh", text("jamf-pro", "install"), { args: ["/", "mac", "ada", key] });
    t.is(run.code, 0, run.stderr);
    t.is(device.loginShell("sh")["HTTPS_PROXY"], url(email, key));
  });
}

const refused: readonly (readonly [email: string, secret: string, code: number])[] = [
  ["", key, 2],
  ["$EMAIL", key, 2],
  ["%Email%", key, 2],
  ["{{mail}}", key, 2],
  ["${USER_EMAIL}@corp.example", key, 2],
  ["ada@corp@example.com", key, 2],
  ["ada lovelace@corp.example", key, 2],
  ["ada", key, 2],
  ["ada@corp.example", "", 3],
  ["ada@corp.example", "{{MDM_FLOWSTATE_KEY}}", 3],
  ["ada@corp.example", "$MDM_FLOWSTATE_KEY", 3],
  ["ada@corp.example", key.slice(1), 3],
  ["ada@corp.example", `${key.slice(0, -1)}'`, 3],
];
for (const [email, secret, code] of refused) {
  test(`e-mail ${JSON.stringify(email)} with key ${JSON.stringify(secret.slice(0, 24))} is refused with ${code} and changes nothing`, (t) => {
    using device = createDevice("Linux");
    const before = device.snapshot();
    const run = install(device, "sh", email, secret);
    t.is(run.code, code);
    t.regex(run.stderr, code === 2 ? /e-mail/ : /key/);
    t.deepEqual(device.snapshot(), before);
  });
}

test("a value that the MDM left as a placeholder in the script itself is refused", (t) => {
  using device = createDevice("Darwin");
  t.is(device.run("sh", text("mosyle", "install"), { args: [key] }).code, 2);
  const filled = text("mosyle", "install").replaceAll("%Email%", "ada@corp.example");
  t.is(device.run("sh", filled).code, 3);
  t.is(device.run("sh", filled.replaceAll("{{MDM_FLOWSTATE_KEY}}", key)).code, 0);
  t.is(device.loginShell("sh")["HTTPS_PROXY"], url("ada@corp.example", key));
});

test("nobody signed in: nothing happens, successfully", (t) => {
  using device = createDevice("Darwin", "loginwindow");
  const before = device.snapshot();
  const run = install(device, "sh", "ada@corp.example", key);
  t.is(run.code, 0);
  t.regex(run.stdout, /nobody is signed in/);
  t.deepEqual(device.snapshot(), before);
});

test("a proxy that others configured for shells is not overridden unless told", (t) => {
  using device = createDevice("Linux");
  writeFileSync(join(device.root, "etc/environment"), "https_proxy=http://other.example:3128\n");
  const before = device.snapshot();
  const run = install(device, "sh", "ada@corp.example", key);
  t.is(run.code, 4);
  t.regex(run.stderr, /\/etc\/environment/);
  t.deepEqual(device.snapshot(), before);
  t.is(install(device, "sh", "ada@corp.example", key, { replace: true }).code, 0);
  t.is(device.run("sh", text("shell", "uninstall")).code, 0);
  t.deepEqual(device.snapshot(), before);
});

test("a desktop proxy of others is not overridden unless told, and comes back after a rotation too", (t) => {
  using device = createDevice("Darwin");
  device.setDesktop("HTTPS_PROXY", "http://other.example:3128");
  const before = device.snapshot();
  t.is(install(device, "sh", "ada@corp.example", key).code, 4);
  t.deepEqual(device.snapshot(), before);
  t.is(device.desktop("HTTPS_PROXY"), "http://other.example:3128");
  t.is(install(device, "sh", "ada@corp.example", key, { replace: true }).code, 0);
  t.is(install(device, "sh", "ada@corp.example", mintKey("org").text, { replace: true }).code, 0);
  t.not(device.desktop("HTTPS_PROXY"), "http://other.example:3128");
  t.is(device.run("sh", text("shell", "uninstall")).code, 0);
  t.is(device.desktop("HTTPS_PROXY"), "http://other.example:3128");
  t.deepEqual(device.snapshot(), before);
});

test("loopback mode needs no e-mail and no key, in either scope", (t) => {
  for (const scope of ["user", "machine"]) {
    using device = createDevice("Linux");
    const before = device.snapshot();
    const extra = { mode: "loopback", scope };
    t.is(device.run("sh", text("shell", "install", extra)).code, 0);
    const variables = device.loginShell("sh");
    t.is(variables["HTTPS_PROXY"], "http://127.0.0.1:7480");
    t.is(variables["https_proxy"], "http://127.0.0.1:7480");
    t.is(device.run("sh", text("shell", "detect", extra)).code, 0);
    t.is(device.run("sh", text("shell", "uninstall", extra)).code, 0);
    t.deepEqual(device.snapshot(), before);
  }
});

test("one uninstall cleans every person of a shared device, and passes over accounts that were deleted since", (t) => {
  using device = createDevice("Darwin");
  const before = device.snapshot();
  t.is(install(device, "sh", "ada@corp.example", key).code, 0);
  const people = join(device.root, "etc/flowstate-proxy/people");
  writeFileSync(people, "ada\ndeleted\n");
  t.is(device.loginShell("sh")["HTTPS_PROXY"], url("ada@corp.example", key));
  t.is(device.run("sh", text("shell", "uninstall")).code, 0);
  t.deepEqual(device.snapshot(), before);
});

test("Jamf's extension attribute answers in <result> and exits 0 either way", (t) => {
  using device = createDevice("Darwin");
  device.profile("ada@corp.example");
  t.like(device.run("sh", text("jamf-pro", "detect")), {
    code: 0,
    stdout: "<result>differs from what is wanted</result>\n",
  });
  t.is(device.run("sh", text("jamf-pro", "install"), { args: ["/", "mac", "ada", key] }).code, 0);
  t.like(device.run("sh", text("jamf-pro", "detect")), { code: 0, stdout: "<result>compliant</result>\n" });
});

test("a renamed secret leaves no trace of the default name", (t) => {
  for (const { id, variants } of targets) {
    for (const variant of variants) {
      const payload = render(id, variant, { ...settings, secretName: "CORP_AI_KEY" });
      if (!payload.ok) continue;
      t.false(JSON.stringify(payload.value).includes("MDM_FLOWSTATE_KEY"), `${id} ${variant}`);
    }
  }
});

const hostile = fc.oneof(
  fc.string({ unit: "binary", maxLength: 60 }),
  fc.constantFrom(
    "$(touch SENTINEL)",
    "`touch SENTINEL`",
    "';touch SENTINEL;'",
    '";touch SENTINEL;"',
    "\ntouch SENTINEL\n",
    "FS_EOF\ntouch SENTINEL",
    "$(touch SENTINEL)@corp.example",
    "'$(touch${IFS}SENTINEL)'@corp.example",
    "a@corp.example\nFS_END_00\ntouch SENTINEL\n",
  ),
);
test("no e-mail, delivered by profile, argument or pasted text, can run a command or change the URL's shape", (t) => {
  using device = createDevice("Darwin");
  const sentinel = join(device.root, "..", "sentinel");
  const deliveries = [
    (email: string) => {
      device.profile(email);
      return device.run("sh", text("jamf-pro", "install"), { args: ["/", "mac", "ada", key] });
    },
    (email: string) =>
      device.run(
        "sh",
        text("mosyle", "install").replaceAll("%Email%", () => email),
        { args: [key] },
      ),
    (email: string) =>
      device.run("sh", text("shell", "install"), { args: [`--email=${email}`], stdin: `${key}\n` }),
  ];
  fc.assert(
    fc.property(hostile, fc.constantFrom(...deliveries), (raw, deliver) => {
      const email = raw.replaceAll("SENTINEL", sentinel).replaceAll("\0", "");
      const { code } = deliver(email);
      const made = spawnSync("test", ["-e", sentinel]).status === 0;
      const proxy = device.loginShell("sh")["HTTPS_PROXY"] ?? "https://a:b@proxy.corp.example:7443";
      return (
        !made &&
        (code === 0 || code === 2) &&
        /^https:\/\/[A-Za-z0-9%._~-]+:[A-Za-z0-9_]+@proxy\.corp\.example:7443$/.test(proxy)
      );
    }),
    { numRuns: 60 },
  );
  t.pass();
});

const shellcheck = (script: string) =>
  spawnSync("sh", ["-c", "shellcheck -s sh -"], { input: script, encoding: "utf8" });
const linter = shellcheck("#!/bin/sh\n").status === 0 ? test : test.skip;
linter("every shell payload is clean by shellcheck (skipped where it is not installed)", (t) => {
  for (const { id, variants } of targets) {
    for (const variant of variants) {
      const payload = render(id, variant, settings);
      if (!payload.ok || payload.value.language !== "sh") continue;
      const { stdout, status } = shellcheck(payload.value.content);
      t.is(status, 0, `${id} ${variant}\n${stdout}`);
    }
  }
});
