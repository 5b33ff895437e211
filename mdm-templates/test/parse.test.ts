import test from "ava";
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { runInNewContext } from "node:vm";
import { assert } from "@flowstate/shared/assert";
import { aiHosts } from "@flowstate/shared/hosts";
import { temporaryFolder } from "@flowstate/shared/testing/temp";
import fc from "fast-check";
import { parse as parsePlist } from "plist";
import { Language, Parser } from "web-tree-sitter";
import { parse as parseYaml } from "yaml";
import { describeTarget } from "../src/describe.ts";
import { pacScript } from "../src/pac.ts";
import type { Payload } from "../src/payload.ts";
import { render, targets } from "../src/render.ts";
import { parseSettings, type SettingsInput } from "../src/settings.ts";

const settings: SettingsInput = { proxyHost: "proxy.corp.example:7443", nonce: "ab".repeat(12) };
const modes = [
  settings,
  { ...settings, mode: "loopback" },
  { ...settings, mode: "loopback", scope: "machine" },
];

function must(target: string, variant: string, extra: Partial<SettingsInput> = {}): Payload {
  const payload = render(target, variant, { ...settings, ...extra });
  assert(payload.ok, payload.ok ? "" : payload.detail);
  return payload.value;
}

const everything = targets.flatMap(({ id, variants }) =>
  variants.flatMap((variant) =>
    modes.flatMap((mode) => {
      const payload = render(id, variant, mode);
      return payload.ok ? [payload.value] : [];
    }),
  ),
);

test("every target renders every variant in some mode, with steps, without marks left over, the same twice", (t) => {
  for (const { id, variants } of targets) {
    for (const variant of variants)
      t.true(
        everything.some((payload) => payload.target === id && payload.variant === variant),
        `${id} ${variant}`,
      );
  }
  for (const payload of everything) {
    t.true(payload.steps.length > 0);
    t.notRegex(payload.content, /@@/);
  }
  t.deepEqual(must("jamf-pro", "install"), must("JAMF_PRO", "install"));
});

test("PowerShell payloads parse", async (t) => {
  await Parser.init();
  const wasm = fileURLToPath(import.meta.resolve("tree-sitter-powershell/tree-sitter-powershell.wasm"));
  const parser = new Parser();
  parser.setLanguage(await Language.load(wasm));
  const faulty = (text: string): boolean => parser.parse(text)?.rootNode.hasError ?? true;
  t.true(faulty("if ($true) { 'x'"), "the grammar sees a missing brace");
  const scripts = everything.filter(({ language }) => language === "powershell");
  t.true(scripts.length >= 8);
  for (const { content, variant } of scripts) t.false(faulty(content), variant);
});

test("profiles are property lists whose identifiers and UUIDs follow from the proxy's host", (t) => {
  const read = (payload: Payload) => parsePlist(payload.content) as Record<string, unknown>;
  const first = read(must("mobileconfig", "install"));
  t.like(first, {
    PayloadType: "Configuration",
    PayloadVersion: 1,
    PayloadIdentifier: "inc.flowstate.proxy.proxy.corp.example",
  });
  t.regex(
    String(first["PayloadUUID"]),
    /^[0-9A-F]{8}-[0-9A-F]{4}-5[0-9A-F]{3}-[89AB][0-9A-F]{3}-[0-9A-F]{12}$/,
  );
  t.is(
    read(must("mobileconfig", "install", { noProxy: ["corp.example"] }))["PayloadUUID"],
    first["PayloadUUID"],
  );
  t.not(
    read(must("mobileconfig", "install", { proxyHost: "other.example" }))["PayloadUUID"],
    first["PayloadUUID"],
  );
  t.like((first["PayloadContent"] as Record<string, unknown>[])[0], { UserEmail: "$EMAIL" });
  const agent = /FS_PLIST'\n([^]*?)\nFS_PLIST/.exec(must("jamf-pro", "install").content)?.[1] ?? "";
  t.like(parsePlist(agent), { Label: "inc.flowstate.proxy-env", RunAtLoad: true });
});

test("the Ansible playbook is YAML that holds the shell payload byte for byte", (t) => {
  const [play] = parseYaml(must("ansible", "install").content, {
    customTags: [{ tag: "!unsafe", resolve: (text: string) => text }],
  }) as [{ tasks: { block?: { "ansible.builtin.copy"?: { content: string } }[] }[] }];
  t.is(play.tasks[1]?.block?.[0]?.["ansible.builtin.copy"]?.content, must("shell", "install").content);
});

test("the PAC sends every AI host, and only AI hosts, to the proxy", (t) => {
  const wildcard = (host: string, pattern: string) =>
    new RegExp(`^${pattern.replaceAll(".", "\\.").replaceAll("*", ".*")}$`).test(host);
  const find = (host: string): unknown =>
    runInNewContext(
      `${pacScript("proxy.corp.example:7443", 7443)};FindProxyForURL("https://" + host + "/", host)`,
      {
        host,
        shExpMatch: wildcard,
      },
    );
  for (const { pattern, mode } of aiHosts.filter(({ mode }) => mode !== "ignore"))
    t.is(find(pattern.replaceAll("*", "x")), "HTTPS proxy.corp.example:7443", `${pattern} ${mode}`);
  for (const host of ["www.corp.example", "api.openai.com.evil.example", "xapi.openai.com", "hasOwnProperty"])
    t.is(find(host), "DIRECT");
});

test("Chrome's policy holds no credential in a proxy setting, and the certificate variant none at all", (t) => {
  const extension = must("google-workspace", "install");
  const policy = JSON.parse(extension.content) as { ProxySettings: { ProxyPacUrl: string } };
  const pac = Buffer.from(policy.ProxySettings.ProxyPacUrl.split(",")[1] ?? "", "base64").toString();
  t.notRegex(pac, /@/);
  t.deepEqual(
    extension.companions.map(({ filename }) => filename),
    ["extension/manifest.json", "extension/background.js", "extension/schema.json"],
  );
  const certificate = must("google-workspace", "install", { identity: "certificate" });
  t.notRegex(certificate.content, /MDM_FLOWSTATE_KEY|3rdparty/);
  const { AutoSelectCertificateForUrls: rules } = JSON.parse(certificate.content) as {
    AutoSelectCertificateForUrls: string[];
  };
  t.deepEqual(JSON.parse(rules[0] ?? ""), {
    pattern: "https://proxy.corp.example:7443",
    filter: { ISSUER: { CN: "Flowstate Device CA" } },
  });
});

const wrong: readonly (readonly [
  target: string,
  variant: string,
  input: Partial<SettingsInput>,
  says: RegExp,
])[] = [
  ["sccm", "install", {}, /no target "sccm"; choose one of jamf-pro/],
  ["mosyle", "detect", {}, /Mosyle has no variant "detect"/],
  ["shell", "install", { proxyHost: "https://proxy.corp.example" }, /proxy host is wrong/],
  ["shell", "install", { proxyHost: "proxy';touch x" }, /proxy host is wrong/],
  ["shell", "install", { proxyHost: "proxy.corp.example:99999" }, /proxy host is wrong/],
  ["shell", "install", { secretName: "x; rm" }, /secret name is wrong/],
  ["shell", "install", { mode: "magic" }, /mode is wrong: it takes direct or loopback/],
  ["shell", "install", { scope: "machine" }, /scope is wrong/],
  ["shell", "install", { caPem: "nonsense" }, /ca is wrong/],
  ["shell", "install", { noProxy: ["openai.com"] }, /would let .*openai\.com.* pass unmetered/],
  ["shell", "install", { noProxy: ["x'y"], force: true }, /neither a domain/],
  ["registry", "install", {}, /--mode loopback/],
  ["environment-d", "install", {}, /--mode loopback/],
  ["google-workspace", "install", { mode: "loopback" }, /--mode direct/],
];
for (const [target, variant, input, says] of wrong) {
  test(`${target} ${variant} with ${JSON.stringify(input)} is refused: ${says.source}`, (t) => {
    const payload = render(target, variant, { ...settings, ...input });
    t.false(payload.ok);
    if (!payload.ok) t.regex(payload.detail, says);
  });
}

test("whatever settings are accepted hold nothing that a script could read as code", (t) => {
  const word = fc.oneof(
    fc.string({ maxLength: 30 }),
    fc.constantFrom("$(id)", "`id`", "'", '"', "a.b", "A_B", "\n"),
  );
  fc.assert(
    fc.property(
      fc.record({
        proxyHost: word,
        secretName: word,
        noProxy: fc.array(word, { maxLength: 3 }),
        emailDomain: word,
        certificateIssuer: word,
        extensionId: word,
      }),
      (input) => {
        const parsed = parseSettings({ ...input, force: true });
        if (!parsed.ok) return true;
        const { host, secretName, noProxy, emailDomain, extensionId, certificateIssuer } = parsed.value;
        return !/['"`$\\\n;&|<>(){}]/.test(
          [host, secretName, noProxy, emailDomain, extensionId, certificateIssuer].join(""),
        );
      },
    ),
  );
  t.pass();
});

const main = join(import.meta.dirname, "../src/main.ts");
const cli = (...args: readonly string[]) =>
  spawnSync(process.execPath, [main, ...args], { encoding: "utf8" });

test("flowstate-mdm prints the payload alone, writes files for the owner alone, and refuses in one line", (t) => {
  using folder = temporaryFolder();
  const printed = cli("render", "intune", "--proxy-host", "proxy.corp.example:7443");
  t.is(printed.status, 0);
  t.is(printed.stdout, must("intune", "install").content);
  const out = join(folder.path, "jamf.sh");
  t.is(
    cli(
      "render",
      "jamf-pro",
      "--proxy-host",
      "proxy.corp.example",
      "--no-proxy",
      "corp.example",
      "--out",
      out,
    ).status,
    0,
  );
  t.regex(readFileSync(out, "utf8"), /,corp\.example,\.corp\.example'/);
  t.is(statSync(out).mode & 0o777, 0o600);
  t.true(existsSync(join(folder.path, "flowstate-proxy.mobileconfig")));
  const refused = cli("render", "shell", "--proxy-host", "proxy.corp.example", "--no-proxy", "*");
  t.is(refused.status, 65);
  t.regex(refused.stderr, /^NO_PROXY entry "\*" would let every AI service pass unmetered.*\n$/);
});

test("the page of each target is what the code says (write anew with `flowstate-mdm docs`)", (t) => {
  for (const target of targets) {
    const page = readFileSync(join(import.meta.dirname, `../docs/${target.id}.md`), "utf8");
    t.is(page, describeTarget(target));
  }
});
