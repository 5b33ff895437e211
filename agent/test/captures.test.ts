/** Enterprise mode as a person meets it: words kept while the organisation says so, on this device alone. */
import { once } from "node:events";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { request, type IncomingMessage } from "node:http";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import test from "ava";
import { mintKey } from "@flowstate/shared/keys";
import { until } from "@flowstate/shared/testing/until";
import { defaultAgentSettings } from "@flowstate/shared/wire/agent-policy";
import {
  listCaptures,
  readCapture,
  type Capture,
  type CaptureEntry,
} from "../src/enterprise/capture-store.ts";
import { isOwn } from "../src/install/data.ts";
import { startCloudProxy } from "./support/cloud-proxy.ts";
import { canLimitFiles, limitFiles } from "./support/full-disk.ts";
import { dialThrough } from "./support/intercepting.ts";
import { newPerson, type Person } from "./support/person.ts";
import { startPolicyDesk, type FakePolicyDesk } from "./support/policy-desk.ts";
import { startProvider, type ProviderRequest, type ProviderResponse } from "./support/provider.ts";
import { authority } from "./support/tls.ts";

const enterprise = { ...defaultAgentSettings, captureMode: "enterprise" } as const;
const database = (person: Person): string => join(person.home, ".flowstate/captures.db");

/** Answers in events, as the vendors do. */
function answer(incoming: ProviderRequest, response: ProviderResponse): void {
  const id = `id_${Math.random().toString(36).slice(2)}`;
  response.setHeader("content-type", "text/event-stream");
  const events =
    incoming.url === "/v1/messages"
      ? [
          { type: "message_start", message: { id, model: "m", usage: { input_tokens: 5 } } },
          { type: "content_block_delta", delta: { text: "The nightjar " } },
          { type: "content_block_delta", delta: { text: "sings." } },
          { type: "message_delta", delta: { stop_reason: "end_turn" }, usage: { output_tokens: 4 } },
        ]
      : [
          { type: "response.output_text.delta", delta: "The nightjar " },
          { type: "response.output_text.delta", delta: "sings." },
          {
            type: "response.completed",
            response: {
              id,
              output: [{ type: "message", content: [{ type: "output_text", text: "The nightjar sings." }] }],
              usage: { input_tokens: 5, output_tokens: 4 },
            },
          },
        ];
  const body = events.map((event) => `data: ${JSON.stringify(event)}\n\n`).join("");
  incoming.resume().once("end", () => response.end(body));
}

interface Device extends AsyncDisposable {
  readonly person: Person;
  readonly desk: FakePolicyDesk;
  /** Starts the daemon; resolves with its process id and what makes calls through it. */
  start(): Promise<{ readonly pid: number; kill(): Promise<void>; call: Call }>;
}

type Call = (host: string, path: string, body: string) => Promise<string>;

async function startDevice(): Promise<Device> {
  await using stack = new AsyncDisposableStack();
  const provider = stack.use(await startProvider(answer));
  const proxy = stack.use(await startCloudProxy({ leadTo: provider.port }));
  const desk = stack.use(await startPolicyDesk());
  const person = stack.use(
    newPerson({
      FLOWSTATE_CONTROL_PLANE: desk.url,
      FLOWSTATE_CAPTURE: "relay,intercept",
      FLOWSTATE_CLOUD_PROXY: proxy.url.origin,
      FLOWSTATE_LOG_LEVEL: "trace",
    }),
  );
  const trusted = join(person.home, "authority.pem");
  writeFileSync(trusted, authority.certificate);
  const held = stack.move();
  return {
    person,
    desk,
    async start() {
      const { process: daemon, relay } = await person.startDaemon({
        NODE_EXTRA_CA_CERTS: trusted,
        FLOWSTATE_CLOUD_PROXY_CA: trusted,
      });
      const ca = [readFileSync(join(person.home, ".flowstate/tls/ca.pem"), "utf8")];
      const port = Number(new URL(relay ?? "").port);
      return {
        pid: daemon.pid ?? 0,
        async kill() {
          const gone = once(daemon, "exit");
          daemon.kill("SIGKILL");
          await gone;
        },
        async call(host, path, body) {
          const socket = await dialThrough(port, host, { protocols: ["http/1.1"], ca });
          const headers = { host, "user-agent": "claude-cli/2.0.1", "x-claude-code-session-id": "s1" };
          const out = request({ createConnection: () => socket, method: "POST", path, headers });
          out.end(body);
          const [response] = (await once(out, "response")) as [IncomingMessage];
          const said = await text(response);
          socket.destroy();
          return `${response.statusCode} ${said}`;
        },
      };
    },
    [Symbol.asyncDispose]: () => held.disposeAsync(),
  };
}

const json = async (person: Person, ...args: readonly string[]): Promise<unknown> =>
  JSON.parse((await person.flowstate(...args, "--json")).stdout);

const listed = async (person: Person): Promise<readonly CaptureEntry[]> =>
  ((await json(person, "captures", "list")) as { captures: readonly CaptureEntry[] }).captures;

const listedWhen = (what: string, person: Person, count: number): Promise<readonly CaptureEntry[]> =>
  until(what, async () => {
    const captures = await listed(person);
    return captures.length === count ? captures : null;
  });

interface Status {
  readonly calls: { readonly known: number };
  readonly words: { readonly mode: string; readonly waiting: number };
}

const statusWhen = (what: string, person: Person, holds: (status: Status) => boolean): Promise<Status> =>
  until(what, async () => {
    const status = (await json(person, "status")) as Status;
    return holds(status) ? status : null;
  });

const messages = (...texts: readonly string[]): string =>
  JSON.stringify({
    model: "m",
    messages: texts.map((content, at) => ({ role: at % 2 === 0 ? "user" : "assistant", content })),
  });

test.serial("words are kept while the organisation says so, sealed and on this device alone", async (t) => {
  await using device = await startDevice();
  const { person, desk } = device;
  const first = await device.start();
  t.regex(await first.call("api.anthropic.com", "/v1/messages", messages("hello")), /^200 .*nightjar/s);
  await statusWhen("the call", person, ({ calls }) => calls.known === 1);
  t.regex((await person.flowstate("status")).stdout, /words +prompts and answers are not kept/);
  t.false(existsSync(database(person)));
  t.is((await person.flowstate("captures")).stdout, "Nothing is kept.\n");

  desk.put({ settings: enterprise });
  await statusWhen("enterprise mode", person, ({ words }) => words.mode === "enterprise");
  t.regex(
    (await person.flowstate("status")).stdout,
    /words +prompts and answers are kept on this device for 7 days/,
  );
  const { key } = person;
  const asked = `Which heron sings? \u{1B}[31m ${key}`;
  await first.call("api.anthropic.com", "/v1/messages", messages("hello", "The nightjar sings.", asked));
  await first.call("api.openai.com", "/v1/responses", JSON.stringify({ model: "m", input: "Which heron?" }));
  const [openAi, anthropic] = await listedWhen("both calls", person, 2);
  t.like(anthropic, { tool: "claude-code", provider: "anthropic", sessionId: "s1", status: 200, masked: 1 });
  const shown = (await json(person, "captures", "show", anthropic?.id ?? "")) as Capture;
  t.deepEqual(shown.words.answer, { text: "The nightjar sings.", isCut: false });
  t.is(shown.words.prompt?.turns.at(-1)?.text, "Which heron sings? \u{1B}[31m [flowstate-key]");
  const said = ((await json(person, "captures", "show", openAi?.id ?? "")) as Capture).words;
  t.is(said.answer.text, "The nightjar sings.", "once, though the last event repeats it");
  t.deepEqual(said.prompt?.turns, [{ role: "user", text: "Which heron?" }]);
  const printed = (await person.flowstate("captures", "show", anthropic?.id ?? "")).stdout;
  t.regex(
    printed,
    /--- user\nWhich heron sings\? \u{FFFD}\[31m \[flowstate-key\]\n\n--- answer\nThe nightjar sings\.\n/u,
  );
  t.regex(
    (await person.flowstate("captures", "list")).stdout,
    /claude-code  m  \d+ characters asked, 19 answered/,
  );
  t.is((await person.flowstate("captures", "show", "none")).code, 66);

  await first.kill();
  t.is((await listed(person)).length, 2, "what was kept survives a kill");
  const second = await device.start();
  await second.call("api.anthropic.com", "/v1/messages", messages("hello", "yes", "and the bittern?"));
  await listedWhen("the next call", person, 3);

  desk.put({ settings: defaultAgentSettings });
  await statusWhen("telemetry mode", person, ({ words }) => words.mode === "telemetry");
  const { calls } = await statusWhen("the calls so far", person, () => true);
  await second.call("api.anthropic.com", "/v1/messages", messages("not this"));
  await statusWhen("a call that is only counted", person, (status) => status.calls.known === calls.known + 1);
  t.is((await listed(person)).length, 3);

  t.regex((await person.flowstate("captures", "purge")).stdout, /^3 erased\n$/);
  t.deepEqual(await listed(person), []);
  t.is((await person.flowstate("captures", "purge")).stdout, "nothing is kept\n");
  await until("the calls to be told", () => desk.reported.length >= 5);
  t.notRegex(JSON.stringify(desk.reported), /nightjar|heron|bittern|not this/i);
  const folder = join(person.home, ".flowstate");
  t.deepEqual(
    readdirSync(folder).filter((name) => !isOwn(name)),
    [],
    "an uninstallation knows every file",
  );
  const files = readdirSync(folder, { recursive: true, withFileTypes: true });
  for (const file of files.filter((each) => each.isFile())) {
    const bytes = readFileSync(join(file.parentPath, file.name), "latin1");
    t.notRegex(bytes, /nightjar|heron|bittern|not this/i, file.name);
  }
});

test.serial("hostile calls are carried and kept within bounds, whatever they hold", async (t) => {
  await using device = await startDevice();
  const { person, desk } = device;
  desk.put({ settings: enterprise });
  const { call } = await device.start();
  await statusWhen("enterprise mode", person, ({ words }) => words.mode === "enterprise");
  const bodies = [
    "{",
    '{"messages":'.padEnd(5000, "["),
    JSON.stringify({ messages: JSON.parse(`${"[".repeat(3000)}${"]".repeat(3000)}`) as unknown }),
    JSON.stringify({ messages: Array.from({ length: 9000 }, () => ({ role: "user", content: "\u{0}" })) }),
    JSON.stringify({ messages: [{ role: mintKey("org").text, content: "x".repeat(3 << 20) }] }),
  ];
  for (const body of bodies)
    t.regex(await call("api.anthropic.com", "/v1/messages", body), /^200 .*nightjar/s);
  const kept = await listedWhen("every call", person, bodies.length);
  t.true(kept.every(({ promptCharacters }) => promptCharacters <= 250_000));
  t.true(kept[0]?.isCut);
});

test.serial("killed at any moment, what is kept can be read and the daemon goes on keeping", async (t) => {
  await using device = await startDevice();
  const { person, desk } = device;
  const folder = join(person.home, ".flowstate");
  desk.put({ settings: enterprise });
  for (let round = 0; round < 3; round += 1) {
    const daemon = await device.start();
    await statusWhen("enterprise mode", person, ({ words }) => words.mode === "enterprise");
    await daemon.call("api.anthropic.com", "/v1/messages", messages(`before ${round}`));
    await until("a call of this round", () => {
      const [latest] = listCaptures(folder, 1).captures;
      const turns = latest === undefined ? [] : (readCapture(folder, latest.id).words.prompt?.turns ?? []);
      return turns[0]?.text === `before ${round}`;
    });
    const calls = Array.from({ length: 20 }, (_, at) =>
      daemon.call("api.anthropic.com", "/v1/messages", messages(`${round} ${at} ${"x ".repeat(20_000)}`)),
    );
    // Those that a kill catches never end.
    void Promise.allSettled(calls);
    await Promise.race(calls.slice(0, 1 + Math.floor(Math.random() * calls.length)));
    await daemon.kill();
    const { captures, unreadable } = listCaptures(folder, 1000);
    t.is(unreadable, 0);
    for (const { id } of captures) t.notThrows(() => readCapture(folder, id));
  }
});

const onLinux = canLimitFiles() ? test.serial : test.serial.skip;
onLinux("a full disk breaks no call, and words wait until there is room", async (t) => {
  await using device = await startDevice();
  const { person, desk } = device;
  desk.put({ settings: enterprise });
  const { pid, call } = await device.start();
  await statusWhen("enterprise mode", person, ({ words }) => words.mode === "enterprise");
  await call("api.anthropic.com", "/v1/messages", messages("one"));
  await listedWhen("the first call", person, 1);
  limitFiles(pid, "0");
  t.regex(await call("api.anthropic.com", "/v1/messages", messages("two")), /^200 .*nightjar/s);
  t.regex(await call("api.anthropic.com", "/v1/messages", messages("three")), /^200 .*nightjar/s);
  await statusWhen("words that wait", person, ({ words }) => words.waiting === 2);
  limitFiles(pid, "unlimited");
  await listedWhen("all of them", person, 3);
});
