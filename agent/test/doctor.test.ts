/** `flowstate doctor`: what is in order and what is not, each in its own line. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import test from "ava";
import { temporaryFolder } from "@flowstate/shared/testing/temp";
import { until } from "@flowstate/shared/testing/until";
import { findTrust } from "../src/doctor/trust.ts";
import { startCloudProxy } from "./support/cloud-proxy.ts";
import { startControlPlane } from "./support/control-plane.ts";
import { deviceAuthority, startIntercepting } from "./support/intercepting.ts";
import { claudeRow, newPerson, type Person } from "./support/person.ts";
import { startProvider } from "./support/provider.ts";
import { authority } from "./support/tls.ts";

const log = ".claude/projects/-src-api/s1.jsonl";

/** The lines of `doctor`, by what they are about. */
const examine = async (person: Person): Promise<{ code: number; lines: readonly string[] }> => {
  const { code, stdout } = await person.flowstate("doctor");
  return { code, lines: stdout.trim().split("\n") };
};

test("doctor proves every step of a call's way", async (t) => {
  await using controlPlane = await startControlPlane();
  await using proxy = await startCloudProxy({ leadTo: Number(new URL(controlPlane.url).port) });
  await using person = newPerson({
    FLOWSTATE_CONTROL_PLANE: controlPlane.url,
    FLOWSTATE_CLOUD_PROXY: proxy.url.origin,
    FLOWSTATE_USER: "",
  });
  person.write("proxy-ca.pem", authority.certificate);
  person.write(
    ".flowstate/flowstate.env",
    `FLOWSTATE_USER="grace@example.com"\nFLOWSTATE_CLOUD_PROXY_CA="${join(person.home, "proxy-ca.pem")}"\n`,
  );
  person.write(log, claudeRow("msg_1"));
  mkdirSync(join(person.home, ".cursor"));
  const { relay, process: daemon } = await person.startDaemon();
  await until("a call to arrive", () => controlPlane.models.length === 1);
  const { code, lines } = await examine(person);
  const expected = [
    /^ok {4}settings: 2 from .*flowstate\.env$/,
    /^ok {4}settings: calls are reported for grace@example\.com$/,
    /^ok {4}data folder: .* is writable and private$/,
    new RegExp(`^ok {4}agent: \\S+ runs since \\S+ \\(process ${daemon.pid}\\)$`),
    // The machine that runs the tests may have an agent of its own.
    /^(?:warn|ok {2}) {2}service: /,
    /^ok {4}session logs: claude-code 1$/,
    /^warn {2}session logs: Cursor writes none that hold tokens/,
    /^ok {4}telemetry: received at http:\/\/127\.0\.0\.1:\d+, 0 calls since the start$/,
    new RegExp(`^ok {4}relay: ${relay} answers and serves ${relay}/proxy.pac$`),
    /^warn {2}shell: HTTPS_PROXY is not set/,
    /^ok {4}cloud proxy: localhost:\d+ opens a tunnel to api\.openai\.com$/,
    /^ok {4}control plane: http:\S+ takes calls with this key$/,
    /^ok {4}clock: \d+ s from the control plane's$/,
    /^(?:warn|ok {2}) {2}policy: none is in force/,
    /^ok {4}updates: /,
    /^ok {4}delivery: 0 calls wait, the last delivery was 20\S+Z$/,
  ];
  for (const [index, line] of lines.entries()) t.regex(line, expected[index] ?? /nothing more/);
  t.is(lines.length, expected.length);
  t.is(code, 0);
});

const faults: [what: string, settings: NodeJS.ProcessEnv, line: RegExp][] = [
  ["no agent runs", {}, /^FAIL {2}agent: not running/],
  ["there is no key", { FLOWSTATE_OTLP_KEY: "" }, /^FAIL {2}settings: FLOWSTATE_OTLP_KEY/],
  ["telemetry is not received", {}, /^FAIL {2}telemetry: not running/],
  ["the relay is not there", {}, /^FAIL {2}relay: not running/],
  [
    "the control plane is away",
    { FLOWSTATE_CONTROL_PLANE: "http://127.0.0.1:9" },
    /^FAIL {2}control plane: http:\/\/127\.0\.0\.1:9 cannot be reached \(.*(?:bad port|ECONNREFUSED)/,
  ],
  [
    "the cloud proxy is away",
    { FLOWSTATE_CLOUD_PROXY: "https://127.0.0.1:9" },
    /^FAIL {2}cloud proxy: .*cannot be reached \(ECONNREFUSED\)/,
  ],
  ["logs are found nowhere", {}, /^warn {2}session logs: none in /],
  [
    "Claude Code is told to write none",
    { CLAUDE_CODE_SKIP_PROMPT_HISTORY: "1" },
    /^warn {2}session logs: CLAUDE_CODE_SKIP_PROMPT_HISTORY is set/,
  ],
  ["the device has no authority", { FLOWSTATE_CAPTURE: "relay,intercept" }, /^FAIL {2}authority: none in /],
];

for (const [what, settings, line] of faults) {
  test(`doctor says that ${what}`, async (t) => {
    await using person = newPerson({ FLOWSTATE_CONTROL_PLANE: "http://127.0.0.1:9", ...settings });
    const { code, lines } = await examine(person);
    t.is(code, 69);
    t.true(
      lines.some((each) => line.test(each)),
      lines.join("\n"),
    );
  });
}

test("doctor says that the control plane refuses the key, and keeps the key to itself", async (t) => {
  await using controlPlane = await startControlPlane();
  controlPlane.refuseKeys = true;
  await using person = newPerson({ FLOWSTATE_CONTROL_PLANE: controlPlane.url });
  const { stdout, stderr } = await person.flowstate("doctor");
  t.regex(stdout, /^FAIL {2}control plane: \S+ refuses the key or the e-mail \(401\)$/m);
  t.false(`${stdout}${stderr}`.includes(person.key));
});

test("the intercept is proved by a handshake, and a tool that refuses it is named", async (t) => {
  await using provider = await startProvider((_, response) => void response.end("{}"));
  await using both = await startIntercepting(provider.port);
  using folder = temporaryFolder();
  mkdirSync(join(folder.path, "tls"));
  const place = { dataFolder: folder.path };
  const said = async (system: readonly string[]): Promise<string[]> =>
    (await findTrust(place, both.relay.address, [{ host: "api.x", client: "tool/1" }], system)).map(
      ({ severity, text }) => `${severity} ${text}`,
    );
  writeFileSync(join(folder.path, "tls/ca.pem"), deviceAuthority.certificate);
  const [expiry, trusted, handshake, tool] = await said([authority.certificate, deviceAuthority.certificate]);
  t.regex(expiry ?? "", /^warn authority: Device until \d{4}-\d\d-\d\d; install the agent again/);
  t.is(trusted, "ok authority: the system trusts it");
  t.is(handshake, "ok intercept: calls to api.anthropic.com are read");
  t.is(tool, "warn intercept: tool/1 does not trust the authority; its calls to api.x are not read");
  t.deepEqual(both.intercept.distrust(), []);
  writeFileSync(join(folder.path, "tls/ca.pem"), authority.certificate);
  const [, stranger, unread] = await said([]);
  t.regex(stranger ?? "", /^warn authority: the system does not trust /);
  t.regex(unread ?? "", /^warn intercept: calls to api\.anthropic\.com pass unread/);
});
