/** The agent's daemon against a whole installation: what tools log arrives once, whatever is killed, grown or deleted. */
import { fork, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { appendFileSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import anyTest, { type TestFn } from "ava";
import { temporaryFolder } from "@flowstate/shared/testing/temp";
import { until } from "@flowstate/shared/testing/until";
import { runProgram, startInstallation, type Installation } from "./support/installation.ts";

const test = anyTest as TestFn<{ installation: Installation; key: string }>;
const program = new URL("../agent/src/main.ts", import.meta.url).pathname;

test.before(async (t) => {
  const installation = await startInstallation();
  const { stdout } = await installation.control("org-key", "provision", "--org", "default", "--json");
  t.context = { installation, key: (JSON.parse(stdout) as { key: string }).key };
});

test.after.always(({ context }) => context.installation[Symbol.asyncDispose]());

/** One person's machine: a home folder and the daemon on it, which can be killed and started again. */
class Machine implements AsyncDisposable {
  readonly folder = temporaryFolder();
  readonly log: string;
  readonly #env: NodeJS.ProcessEnv;
  #daemon: ChildProcess | null = null;

  constructor(
    { installation, key }: { installation: Installation; key: string },
    user: string,
    controlPlane?: string,
  ) {
    this.log = join(this.folder.path, ".claude/projects/-src-api/s1.jsonl");
    mkdirSync(join(this.log, ".."), { recursive: true });
    this.#env = {
      PATH: process.env["PATH"],
      HOME: this.folder.path,
      FLOWSTATE_OTLP_KEY: key,
      FLOWSTATE_USER: user,
      FLOWSTATE_CONTROL_PLANE: controlPlane ?? installation.controlPlane,
      FLOWSTATE_RELAY_PORT: "0",
      FLOWSTATE_HOLD_MS: "50",
      FLOWSTATE_POLL_MS: "100",
      FLOWSTATE_LOG_LEVEL: "error",
    };
  }

  async start(env: NodeJS.ProcessEnv = {}): Promise<void> {
    const daemon = fork(program, ["run"], {
      env: { ...this.#env, ...env },
      stdio: ["ignore", "ignore", "inherit", "ipc"],
    });
    this.#daemon = daemon;
    const [ready] = (await once(daemon, "message")) as [{ type: string }];
    if (ready.type !== "ready") throw new Error(JSON.stringify(ready));
  }

  /** What `flowstate policy` says. */
  async policy(): Promise<{ policy: { version: number | null; settings: { enforcement: string } } | null }> {
    const { stdout } = await runProgram(process.execPath, [program, "policy", "--json"], this.#env);
    return stdout === "" ? { policy: null } : (JSON.parse(stdout) as { policy: never });
  }

  async end(signal: "SIGTERM" | "SIGKILL"): Promise<number | null> {
    const daemon = this.#daemon;
    if (daemon === null) return null;
    this.#daemon = null;
    const exited = once(daemon, "exit") as Promise<[number | null]>;
    daemon.kill(signal);
    return (await exited)[0];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.end("SIGKILL");
    this.folder[Symbol.dispose]();
  }
}

const row = (id: string, output: number, session = "s1"): string =>
  `${JSON.stringify({
    type: "assistant",
    timestamp: new Date().toISOString(),
    sessionId: session,
    cwd: "/nowhere/api",
    requestId: `req_${id}`,
    message: {
      id,
      model: "claude-sonnet-4-5",
      stop_reason: "end_turn",
      content: [{ type: "text", text: "yes" }],
      usage: { input_tokens: 100, output_tokens: output },
    },
  })}\n`;

interface Spend {
  readonly subject: string;
  readonly totalTokens: string;
}

async function tokensOf({ installation }: { installation: Installation }, subject: string): Promise<number> {
  const { aiSpendByPerson } = await installation.graphql<{ aiSpendByPerson: readonly Spend[] }>(
    "{ aiSpendByPerson { subject totalTokens } }",
  );
  return aiSpendByPerson
    .filter((each) => each.subject === subject)
    .reduce((sum, each) => sum + Number(each.totalTokens), 0);
}

test.serial(
  "calls of a tool's log reach the control plane, and growing, killing and deleting doubles and loses none",
  async (t) => {
    await using machine = new Machine(t.context, "ada@example.com");
    writeFileSync(machine.log, row("msg_1", 10) + row("msg_2", 20));
    await machine.start();
    await until("two calls", async () => (await tokensOf(t.context, "ada@example.com")) === 230);
    appendFileSync(machine.log, row("msg_3", 30));
    await machine.end("SIGKILL");
    await machine.start();
    await until("the third", async () => (await tokensOf(t.context, "ada@example.com")) === 360);
    rmSync(machine.log);
    writeFileSync(machine.log, row("msg_1", 10) + row("msg_4", 40).slice(0, 40));
    appendFileSync(machine.log, row("msg_4", 40).slice(40));
    await until("the fourth", async () => (await tokensOf(t.context, "ada@example.com")) === 500);
    t.is(await machine.end("SIGTERM"), 0);
    await machine.start();
    appendFileSync(machine.log, row("msg_5", 50));
    await until("the fifth", async () => (await tokensOf(t.context, "ada@example.com")) === 650);
    t.pass();
  },
);

test.serial("calls made while the control plane is away arrive when it is back", async (t) => {
  await using machine = new Machine(t.context, "bob@example.com");
  writeFileSync(machine.log, row("msg_b1", 10, "s2"));
  await machine.start({ FLOWSTATE_CONTROL_PLANE: "http://127.0.0.1:9" });
  appendFileSync(machine.log, row("msg_b2", 20, "s2"));
  await machine.end("SIGTERM");
  rmSync(machine.log);
  await machine.start();
  await until("both", async () => (await tokensOf(t.context, "bob@example.com")) === 230);
  t.pass();
});

test.serial(
  "what a conversation shows arrives as counts, which are withheld below five people",
  async (t) => {
    const { installation } = t.context;
    const withheld = async (): Promise<string | null> => {
      const { fluencyRollup } = await installation.graphql<{ fluencyRollup: { withheld: string | null } }>(
        "{ fluencyRollup(scope: { kind: ORG }) { withheld } }",
      );
      return fluencyRollup.withheld;
    };
    await using machine = new Machine(t.context, "dora@example.com");
    const asked = {
      type: "user",
      uuid: "u1",
      sessionId: "s3",
      timestamp: new Date().toISOString(),
      message: { role: "user", content: "Ask me first, and say where the figures come from." },
    };
    writeFileSync(machine.log, `${JSON.stringify(asked)}\n${row("msg_d1", 10, "s3")}`);
    await machine.start({ FLOWSTATE_CAPTURE: "session-logs", FLOWSTATE_FLUENCY_QUIET_MS: "50" });
    await until("its call", async () => (await tokensOf(t.context, "dora@example.com")) === 110);
    t.is(await withheld(), "NO_CONVERSATIONS");
    await installation.graphql("mutation { setAgentSettings(captureMode: ENTERPRISE) { captureMode } }");
    await until("the conversation", async () => (await withheld()) === "TOO_FEW_PEOPLE");
    t.is(await machine.end("SIGTERM"), 0);
  },
);

test.serial("a policy that is activated, and a setting that is changed, reach the daemon", async (t) => {
  const { installation } = t.context;
  await using machine = new Machine(t.context, "cleo@example.com");
  await machine.start();
  await until("the daemon to have asked", async () => (await machine.policy()).policy !== null);
  t.like(await machine.policy(), { policy: { version: null, settings: { enforcement: "observe" } } });
  const document = JSON.stringify({
    rules: [{ name: "No Opus", type: "MODEL_DENYLIST", action: "BLOCK", models: ["claude-opus-*"] }],
  });
  const { draftPolicy } = await installation.graphql<{ draftPolicy: { version: number } }>(
    "mutation ($d: String!) { draftPolicy(document: $d) { version } }",
    { d: document },
  );
  const { version } = draftPolicy;
  await installation.graphql("mutation ($v: Int!) { activatePolicy(version: $v) { state } }", { v: version });
  await installation.graphql("mutation { setAgentSettings(enforcement: ENFORCE) { enforcement } }");
  await until("the policy", async () => {
    const { policy } = await machine.policy();
    return policy?.version === version && policy.settings.enforcement === "enforce";
  });
  t.is(await machine.end("SIGTERM"), 0, "a daemon that waits for news stops all the same");
});

test.serial("without a key or with a wrong e-mail the daemon says so in one line and ends", async (t) => {
  for (const [change, expected] of [
    [{ FLOWSTATE_OTLP_KEY: "nonsense" }, /FLOWSTATE_OTLP_KEY/],
    [{ FLOWSTATE_USER: "${USER_EMAIL}" }, /FLOWSTATE_USER/],
    [{ FLOWSTATE_CAPTURE: "everything" }, /FLOWSTATE_CAPTURE/],
  ] as const) {
    using folder = temporaryFolder();
    const daemon = fork(program, ["run"], {
      env: {
        HOME: folder.path,
        PATH: process.env["PATH"],
        FLOWSTATE_OTLP_KEY: t.context.key,
        FLOWSTATE_USER: "a@example.com",
        ...change,
      },
      stdio: ["ignore", "ignore", "pipe", "ipc"],
    });
    let said = "";
    daemon.stderr?.on("data", (text: Buffer) => (said += text.toString()));
    const [code] = (await once(daemon, "close")) as [number];
    t.is(code, 78);
    t.regex(said, expected);
    t.is(said.trim().split("\n").length, 1);
    t.false(said.includes("nonsense"));
  }
});
