import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { mintKey } from "@flowstate/shared/keys";
import { generateReleaseKey } from "@flowstate/shared/release-signature";
import { temporaryFolder } from "@flowstate/shared/testing/temp";
import { until } from "@flowstate/shared/testing/until";

const execute = promisify(execFile);

/** A log of Claude Code with one call in it. */
export const call = `${JSON.stringify({
  type: "assistant",
  timestamp: "2026-11-20T10:00:00Z",
  sessionId: "s1",
  cwd: "/nowhere/api",
  requestId: "req_1",
  message: {
    id: "msg_1",
    model: "claude-sonnet-4-5",
    stop_reason: "end_turn",
    content: [{ type: "text", text: "yes" }],
    usage: { input_tokens: 100, output_tokens: 10 },
  },
})}\n`;

/** Runs an executable in an empty home folder: its version, a scan of one call, and a daemon with its databases. */
export async function prove(executable: string, version: string): Promise<void> {
  using home = temporaryFolder();
  const logs = join(home.path, ".claude/projects/-src-api");
  mkdirSync(logs, { recursive: true });
  writeFileSync(join(logs, "s1.jsonl"), call);
  const env = {
    HOME: home.path,
    USERPROFILE: home.path,
    TMPDIR: home.path,
    FLOWSTATE_OTLP_KEY: mintKey("org").text,
    FLOWSTATE_USER: "ada@example.com",
    FLOWSTATE_CAPTURE: "session-logs",
    FLOWSTATE_CONTROL_PLANE: "http://127.0.0.1:9",
  };
  const ask = async (...args: readonly string[]): Promise<string> =>
    (await execute(executable, args, { env })).stdout;

  assert.equal(await ask("--version"), `${version}\n`);
  const { totals } = JSON.parse(await ask("scan", "--json")) as { totals: Record<string, unknown> };
  assert.deepEqual([totals["calls"], totals["inputTokens"], totals["costUsd"]], [1, 100, "0.00045"]);

  const daemon = spawn(executable, ["run", "--service"], { env, stdio: ["ignore", "ignore", "inherit"] });
  try {
    await until("the daemon to know the call", async () => {
      assert.equal(daemon.exitCode, null, "the daemon ended early");
      const status = await ask("status", "--json").catch(() => "{}");
      return (JSON.parse(status) as { calls?: { known: number } }).calls?.known === 1;
    });
  } finally {
    const ended = once(daemon, "exit");
    daemon.kill("SIGTERM");
    await ended;
  }
  // On Windows there is no signal to be heard.
  if (process.platform !== "win32") assert.equal(daemon.exitCode, 0);
  const { sessions } = JSON.parse(await ask("sessions", "--json")) as { sessions: readonly object[] };
  assert.equal(sessions.length, 1);
  if (existsSync("/usr/bin/systemctl")) await proveInstallation(executable, env);
}

/** Installs itself for one person, runs from where it has put itself, and goes. */
async function proveInstallation(
  executable: string,
  env: NodeJS.ProcessEnv & { readonly HOME: string },
): Promise<void> {
  const offline = { env: { ...env, PATH: "/usr/bin:/bin", SYSTEMD_OFFLINE: "1" } };
  const { publicKey } = generateReleaseKey();
  await execute(executable, ["install", "--scope", "user", "--release-key", publicKey], offline);
  const installed = join(env.HOME, ".local/bin/flowstate");
  const unit = readFileSync(join(env.HOME, ".config/systemd/user/flowstate-agent.service"), "utf8");
  assert.ok(unit.includes(`ExecStart="${installed}" "run" "--service"\n`), unit);
  await execute(installed, ["install", "--scope", "user"], offline);
  const timers = readdirSync(join(env.HOME, ".config/systemd/user/timers.target.wants"));
  assert.deepEqual(timers, ["flowstate-upgrade.timer"]);
  await assert.rejects(execute(installed, ["upgrade"], offline), /the control plane cannot be reached/);
  await execute(installed, ["uninstall", "--scope", "user"], offline);
  assert.deepEqual(readdirSync(env.HOME), [".claude"]);
}
