/**
 * `node agent/bench/ledger.ts`: what 100,000 calls take in the ledger, before they are settled and after, and how long
 * that takes. A third each of Claude Code (log and wire), Codex (log and telemetry) and Gemini CLI (log).
 *
 * Measured on 2 shared, busy cores: 165 MB, and 2.6 MB once they are settled, which takes 21 s in steps of milliseconds.
 */
import { randomUUID } from "node:crypto";
import { statSync } from "node:fs";
import { join } from "node:path";
import { performance } from "node:perf_hooks";
import { temporaryFolder } from "@flowstate/shared/testing/temp";
import { tokens } from "@flowstate/shared/tokens";
import { openLedger } from "../src/ledger/ledger.ts";
import { sightingBy, type Capture, type Sighting } from "../src/normalise/sighting.ts";
import { tidy } from "../src/run/tidy.ts";

const count = 100_000;
const start = Date.parse("2026-08-01T00:00:00Z");

using folder = temporaryFolder();
const file = join(folder.path, "ledger.db");
{
  using ledger = openLedger(file);
  for (let index = 0; index < count; index += 500) {
    ledger.calls.note(Array.from({ length: 500 }, (_, at) => accountsOf(index + at)).flat(), index);
    tellAll(ledger, index + 1);
  }
  say("noted and told");
  const began = performance.now();
  const settled = await tidy(ledger, Number.MAX_SAFE_INTEGER, new AbortController().signal);
  const tookMs = performance.now() - began;
  process.stdout.write(`${settled} settled in ${(tookMs / 1000).toFixed(1)} s\n`);
}
say("settled");

function accountsOf(index: number): readonly Sighting[] {
  const id = randomUUID().replaceAll("-", "");
  const account = (capture: Capture, tool: string, names: readonly string[]): Sighting =>
    sightingBy(capture, {
      callId: names[0] ?? "",
      aliases: names.slice(1),
      tool,
      toolVersion: "2.1.400",
      provider: "anthropic",
      model: "claude-sonnet-5-20260801",
      place: {
        occurredAt: start + index * 60_000,
        sessionId: `3f1c2a9e-0000-4000-8000-${String(Math.floor(index / 40)).padStart(12, "0")}`,
        cwd: `/home/ada/src/project-${index % 30}`,
      },
      tokens: tokens({
        input: 400 + (index % 997),
        cacheRead: 20_000,
        cacheWrite5m: 900,
        output: index % 3001,
      }),
      durationMs: 4000,
      status: 200,
    });
  const request = `req_${id.slice(0, 24)}`;
  switch (index % 3) {
    case 0: {
      const names = [`msg_${id.slice(0, 24)}`, request];
      return [account("session-log", "claude-code", names), account("intercept", "claude-code", names)];
    }
    case 1:
      return [
        account("session-log", "codex-cli", [`resp_${id}`]),
        account("otlp", "codex-cli", [`otlp:codex-cli:${id}`]),
      ];
    default:
      return [account("session-log", "gemini-cli", [`gemini:${id}`])];
  }
}

function tellAll({ calls }: ReturnType<typeof openLedger>, now: number): void {
  for (let due = calls.due(now, 0, 1000); due.length > 0; due = calls.due(now, 0, 1000)) {
    for (const { id, revision } of due) calls.told(id, "told", revision + 1);
  }
}

function say(what: string): void {
  const bytes = ["", "-wal"].reduce(
    (sum, suffix) => sum + (statSync(file + suffix, { throwIfNoEntry: false })?.size ?? 0),
    0,
  );
  process.stdout.write(`${what}: ${(bytes / 1e6).toFixed(1)} MB\n`);
}
