import test from "ava";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { text } from "node:stream/consumers";
import { zstdCompressSync } from "node:zlib";
import { temporaryFolder } from "@flowstate/shared/testing/temp";

interface Row {
  readonly date?: string;
  readonly model?: string | null;
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly cacheReadTokens: number;
  readonly cacheWriteTokens: number;
  readonly costUsd: string | null;
}

interface Scanned {
  readonly days: readonly Row[];
  readonly projects: readonly (Row & { readonly project: string })[];
  readonly totals: Row & { readonly outputTokensByTrust: Readonly<Record<string, number>> };
  readonly unpricedModels: readonly { readonly model: string }[];
  readonly brokenRows: number;
}

interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

const program = new URL("../bin/flowstate.js", import.meta.url).pathname;

/** Runs `flowstate scan` on a home folder with these logs, once for every list of arguments. */
async function scanHome(
  logs: Readonly<Record<string, string | Buffer>>,
  runs: readonly (readonly string[])[],
  between: (home: string) => void = () => undefined,
): Promise<Ran[]> {
  using folder = temporaryFolder();
  for (const [file, content] of Object.entries(logs)) {
    mkdirSync(dirname(join(folder.path, file)), { recursive: true });
    writeFileSync(join(folder.path, file), content);
  }
  const ran: Ran[] = [];
  for (const args of runs) {
    const child = spawn(process.execPath, [program, "scan", ...args], {
      env: { HOME: folder.path, PATH: process.env["PATH"], TZ: "UTC" },
      stdio: ["ignore", "pipe", "pipe"],
    });
    const [stdout, stderr, [code]] = await Promise.all([
      text(child.stdout),
      text(child.stderr),
      once(child, "close") as Promise<[number]>,
    ]);
    ran.push({ code, stdout, stderr });
    between(folder.path);
  }
  return ran;
}

async function scanJson(
  logs: Readonly<Record<string, string | Buffer>>,
  ...args: string[]
): Promise<Scanned> {
  const [ran] = await scanHome(logs, [["--json", ...args]]);
  return JSON.parse(ran?.stdout ?? "") as Scanned;
}

const claudeLog = ".claude/projects/-src-api/s1.jsonl";
const codexFolder = ".codex/sessions/2026/10/03";

function lines(...rows: readonly object[]): string {
  return rows.map((row) => `${JSON.stringify(row)}\n`).join("");
}

function claude(
  id: string,
  usage: object,
  { at = "2026-10-03T09:00:00Z", words = "yes", model = "claude-sonnet-4-5" } = {},
): object {
  return {
    type: "assistant",
    timestamp: at,
    sessionId: "s1",
    cwd: "/nowhere/api",
    requestId: `req_${id}`,
    message: { id, model, stop_reason: null, content: [{ type: "text", text: words }], usage },
  };
}

function codex(type: string, payload: object, at = "2026-10-03T09:00:00Z"): object {
  return { timestamp: at, type, payload };
}

const figures = (input: number, cached: number, output: number): object => ({
  input_tokens: input,
  cached_input_tokens: cached,
  output_tokens: output,
});
const counted = (total: object, last: object, at: string): object =>
  codex("event_msg", { type: "token_count", info: { total_token_usage: total, last_token_usage: last } }, at);
const thread = [
  codex("session_meta", { id: "root", model_provider: "openai" }),
  codex("turn_context", { model: "gpt-5.1-codex" }),
  counted(figures(1000, 400, 50), figures(1000, 400, 50), "2026-10-03T09:00:10Z"),
];

type Figures = readonly [input: number, output: number, cacheRead: number, costUsd: string];

/** What is right, and what ccusage 20.0.24 said of the same logs when this was written. */
const peersErrors: [what: string, logs: Record<string, string | Buffer>, right: Figures, theirs: Figures][] =
  [
    [
      "a Codex response that stands in the log as a record and as a counter",
      {
        [`${codexFolder}/rollout-a-root.jsonl`]: lines(
          ...thread,
          codex(
            "token_usage_record",
            { thread_id: "root", response_id: "resp_1", usage: figures(1000, 400, 50) },
            "2026-10-03T09:00:11Z",
          ),
          codex(
            "token_usage_record",
            { thread_id: "root", response_id: "resp_2", usage: figures(1000, 400, 50) },
            "2026-10-03T09:00:40Z",
          ),
        ),
      },
      [1200, 100, 800, "0.0026"],
      [600, 50, 400, "0.0013"],
    ],
    [
      "a Codex log that was compressed",
      { [`${codexFolder}/rollout-a-root.jsonl.zst`]: zstdCompressSync(Buffer.from(lines(...thread))) },
      [600, 50, 400, "0.0013"],
      [0, 0, 0, "0"],
    ],
    [
      "a prompt above 200k tokens, which is charged at the higher price as a whole",
      { [claudeLog]: lines(claude("msg_1", { input_tokens: 250_000, output_tokens: 1000 })) },
      [250_000, 1000, 0, "1.5225"],
      [250_000, 1000, 0, "0.915"],
    ],
    [
      "a space after the colon of a usage",
      {
        [claudeLog]: lines(claude("msg_1", { input_tokens: 100, output_tokens: 10 })).replace(
          '"usage":{',
          '"usage": {',
        ),
      },
      [100, 10, 0, "0.00045"],
      [0, 0, 0, "0"],
    ],
  ];
for (const [what, logs, right, theirs] of peersErrors) {
  test(`counted right where ccusage is wrong: ${what}`, async (t) => {
    const { totals } = await scanJson(logs);
    const ours = [totals.inputTokens, totals.outputTokens, totals.cacheReadTokens, totals.costUsd];
    t.deepEqual(ours, [...right]);
    t.notDeepEqual(ours, [...theirs]);
  });
}

test("counted right where ccusage is wrong: a placeholder instead of the output", async (t) => {
  const words = "The parser returns a value or a reason. ".repeat(100);
  const { totals } = await scanJson({
    [claudeLog]: lines(claude("msg_1", { input_tokens: 10, output_tokens: 1 }, { words })),
  });
  t.true(totals.outputTokens > 700 && totals.outputTokens < 1300, String(totals.outputTokens));
  t.deepEqual(totals.outputTokensByTrust, { final: 0, floor: 0, estimated: totals.outputTokens });
});

const twoDays = {
  [claudeLog]: lines(
    claude("msg_1", { input_tokens: 100, output_tokens: 10 }, { at: "2026-10-03T21:30:00Z" }),
    claude("msg_2", { input_tokens: 200, output_tokens: 20 }, { at: "2026-10-04T21:30:00Z" }),
    claude(
      "msg_3",
      { input_tokens: 400, output_tokens: 40 },
      { at: "2026-10-04T21:40:00Z", model: "somebody's own" },
    ),
  ),
};

const windows: [args: string[], dates: string[], input: number][] = [
  [[], ["2026-10-03", "2026-10-04", "2026-10-04"], 700],
  [["--timezone", "Asia/Kolkata"], ["2026-10-04", "2026-10-05", "2026-10-05"], 700],
  [["--since", "2026-10-04"], ["2026-10-04", "2026-10-04"], 600],
  [["--until", "2026-10-03"], ["2026-10-03"], 100],
  [["--since", "2026-10-05", "--timezone", "Asia/Kolkata"], ["2026-10-05", "2026-10-05"], 600],
];
for (const [args, dates, input] of windows) {
  test(`scan ${args.join(" ") || "without bounds"} counts ${dates.join(", ")}`, async (t) => {
    const { days, totals } = await scanJson(twoDays, ...args);
    t.deepEqual(
      days.map(({ date }) => date),
      dates,
    );
    t.is(totals.inputTokens, input);
  });
}

test("a model without a known price keeps its tokens, has no cost, and is named", async (t) => {
  const { days, unpricedModels } = await scanJson(twoDays);
  t.is(days.find(({ model }) => model === "somebody's own")?.costUsd, null);
  t.deepEqual(
    unpricedModels.map(({ model }) => model),
    ["somebody's own"],
  );
});

test("projects are named by their git remote, without its credentials", async (t) => {
  using folder = temporaryFolder();
  mkdirSync(join(folder.path, ".git"));
  writeFileSync(
    join(folder.path, ".git/config"),
    '[remote "origin"]\n\turl = https://user:secret@GitHub.com/acme/api.git\n',
  );
  const row = { ...claude("msg_1", { input_tokens: 1, output_tokens: 1 }), cwd: join(folder.path) };
  const { projects } = await scanJson({ [claudeLog]: lines(row) }, "--by", "project");
  t.deepEqual(
    projects.map(({ project }) => project),
    ["github.com/acme/api"],
  );
});

test("the table says what is counted and how far to trust it, and is all that goes to standard output", async (t) => {
  const [ran] = await scanHome(twoDays, [["--by", "model"]]);
  t.is(ran?.code, 0);
  t.is(ran?.stderr, "");
  t.regex(ran?.stdout ?? "", /claude-sonnet-4-5 +anthropic +2 +300 +30 +0 +0 +<0\.01/);
  t.regex(ran?.stdout ?? "", /100 % of output tokens are a floor/);
  t.regex(ran?.stdout ?? "", /somebody's own at anthropic \(1\)/);
});

test("a home folder without logs has no calls, and that is no error", async (t) => {
  const { days, totals } = await scanJson({});
  t.deepEqual(days, []);
  t.is(totals.inputTokens, 0);
});

for (const [what, damage] of [
  ["kept", () => undefined],
  ["cut short", (file: string) => writeFileSync(file, readFileSync(file).subarray(0, 90))],
  ["changed", (file: string) => writeFileSync(file, readFileSync(file, "utf8").replace("100,10", "900,10"))],
  ["no file of ours", (file: string) => writeFileSync(file, "\0\0\0")],
] as [string, (file: string) => void][]) {
  test(`the last result being ${what}, a second scan says the same`, async (t) => {
    const [first, second] = await scanHome(twoDays, [["--json"], ["--json"]], (home) => {
      damage(join(home, ".flowstate", "scan.cache"));
    });
    t.is(first?.code, 0);
    t.is(second?.stdout, first?.stdout);
  });
}

test("a log that grows after a scan is read again", async (t) => {
  const [before, after] = await scanHome(twoDays, [["--json"], ["--json"]], (home) => {
    writeFileSync(join(home, claudeLog), lines(claude("msg_9", { input_tokens: 5, output_tokens: 5 })), {
      flag: "a",
    });
  });
  const input = (ran: Ran | undefined): number =>
    (JSON.parse(ran?.stdout ?? "") as Scanned).totals.inputTokens;
  t.deepEqual([input(before), input(after)], [700, 705]);
});

const refused: [args: string[], says: RegExp, code: number][] = [
  [["--since", "yesterday"], /^--since: "yesterday" is not a day such as/, 65],
  [["--by", "colour"], /^--by colour: it takes one of day, session/, 65],
  [["--timezone", "Mars/Olympus"], /^--timezone Mars\/Olympus: it takes an IANA name/, 65],
  [["--frobnicate"], /unknown option/, 64],
];
for (const [args, says, code] of refused) {
  test(`scan ${args.join(" ")} is refused in one line`, async (t) => {
    const [ran] = await scanHome({}, [args]);
    t.is(ran?.code, code);
    t.is(ran?.stdout, "");
    t.regex(ran?.stderr ?? "", says);
    t.is(ran?.stderr.trim().split("\n").length, 1);
  });
}
