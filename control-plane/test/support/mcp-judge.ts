/** Runs the protocol's own conformance suite. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { globSync, readFileSync } from "node:fs";
import { createServer, request } from "node:http";
import { createRequire } from "node:module";
import type { AddressInfo } from "node:net";
import { dirname, join } from "node:path";
import { parse } from "yaml";
import { temporaryFolder } from "@flowstate/shared/testing/temp";
import type { Running } from "./running.ts";

const packageFile = createRequire(import.meta.url).resolve("@modelcontextprotocol/conformance/package.json");
const judge = join(dirname(packageFile), "dist/index.js");

export interface Verdict {
  /** Everything that the judge printed. */
  readonly text: string;
  /** The status of each check, by scenario of a server. */
  readonly scenarios: ReadonlyMap<string, readonly string[]>;
}

/** Runs the judge to its end, showing what it has printed so far on the way. */
export async function askJudge(
  args: readonly string[],
  onOutput: (text: string) => void = () => undefined,
): Promise<Verdict> {
  using folder = temporaryFolder();
  const child = spawn(process.execPath, [judge, ...args, "--output-dir", folder.path], {
    cwd: folder.path,
    stdio: ["ignore", "pipe", "pipe"],
  });
  let text = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (piece: string) => {
      text += piece;
      onOutput(text);
    });
  }
  await once(child, "close");
  const scenarios = globSync("server-*/checks.json", { cwd: folder.path }).map((file) => {
    const checks = JSON.parse(readFileSync(join(folder.path, file), "utf8")) as { status: string }[];
    const scenario = dirname(file).replace(/^server-(.+?)-\d{4}-\d{2}-\d{2}T.*$/, "$1");
    return [scenario, checks.map(({ status }) => status)] as const;
  });
  return { text, scenarios: new Map(scenarios) };
}

/** A scenario is met where something was proven, and nothing failed or was warned of. */
export function isMet(statuses: readonly string[] = []): boolean {
  return statuses.includes("SUCCESS") && !statuses.includes("FAILURE") && !statuses.includes("WARNING");
}

export interface Requirements {
  /** What conformance of a server to the revision takes, frozen. */
  readonly scored: readonly string[];
  /** What the judge runs as well, extensions left out: they are optional, and nothing here has one. */
  readonly further: readonly string[];
}

export function readRequirements(revision: string): Requirements {
  const file = join(dirname(packageFile), `requirements/${revision}.yaml`);
  const { server, not_scored: others } = parse(readFileSync(file, "utf8")) as {
    readonly server: readonly string[];
    readonly not_scored: readonly {
      readonly scenario: string;
      readonly leg: string;
      readonly reason: string;
    }[];
  };
  const further = others.filter(({ leg, reason }) => leg === "server" && reason !== "extension");
  return { scored: server, further: further.map(({ scenario }) => scenario) };
}

/** An address that adds an API key, because the judge carries none: of several in turn, each having its own pace. */
export async function startKeyFront(running: Running, keyCount = 1) {
  const keys = await Promise.all(Array.from({ length: keyCount }, () => running.apiKey("AI_INSIGHTS_VIEW")));
  const target = new URL(running.address);
  let requests = 0;
  const server = createServer((incoming, outgoing) => {
    const { host = "", origin } = incoming.headers;
    const own = origin === `http://${host}` && host.endsWith(String((server.address() as AddressInfo).port));
    const headers = {
      ...incoming.headers,
      authorization: `Bearer ${keys[requests++ % keyCount]}`,
      ...(own ? { origin: target.origin } : {}),
    };
    const { method, url: path } = incoming;
    const { hostname, port } = target;
    const forwarded = request({ hostname, port, method, path, headers }, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 500, answer.headers);
      answer.pipe(outgoing);
    });
    outgoing.on("close", () => forwarded.destroy());
    forwarded.on("error", () => outgoing.destroy());
    incoming.pipe(forwarded);
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/mcp`,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}
