/**
 * `npm run clients -w proxy`: every real client that can be had here goes to an origin through the proxy, told of it
 * as the payloads tell it, and, where it cannot, through the agent's relay. Prints the table and writes it to
 * docs/clients.md. Packages are installed into a temporary folder.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { runProgram } from "../support/installation.ts";
import { clients, type Client } from "./list.ts";
import { isHere, openPlace, tryClient, type Place } from "./place.ts";

interface Row {
  readonly client: string;
  readonly verdict: "works" | "works through the relay" | "cannot" | "not tried";
  readonly why: string;
}

await using place = await openPlace();
const rows: Row[] = [];
for (const client of clients) {
  const row = await judge(place, client);
  process.stdout.write(`${row.client.padEnd(36)} ${row.verdict.padEnd(24)} ${row.why}\n`);
  rows.push(row);
}
writeFileSync(new URL("../../docs/clients.md", import.meta.url), document(rows));

async function judge(at: Place, client: Client): Promise<Row> {
  const packages = join(at.folder, client.name.replaceAll(/[^a-z0-9]+/gi, "-"));
  mkdirSync(packages);
  const missing = await install(client, packages);
  if (missing !== null) return { client: client.name, verdict: "not tried", why: missing };
  const given = { origin: at.origin, plainOrigin: at.plainOrigin, caFile: at.caFile, packages };
  const direct = await tryClient(at, client.run({ ...given, proxy: at.direct }));
  if (direct.reached) return { client: client.name, verdict: "works", why: "" };
  const again = `${packages}-relay`;
  mkdirSync(again);
  const relayed = await tryClient(at, {
    ...client.run({ ...given, packages: client.npm === undefined ? again : packages, proxy: at.relay }),
  });
  const why = client.cannot ?? direct.complaint;
  if (relayed.reached) return { client: client.name, verdict: "works through the relay", why };
  return { client: client.name, verdict: "cannot", why: `${why}; through the relay: ${relayed.complaint}` };
}

/** Why the client is not here; null once it is. */
async function install(client: Client, folder: string): Promise<string | null> {
  if (client.debian !== undefined && !(await isThere(client))) {
    await runProgram("apt-get", ["install", "-y", "-q", "--no-install-recommends", ...client.debian]);
  }
  if (!(await isThere(client))) return `${client.python ?? client.program} is not on this machine`;
  if (client.npm === undefined) return null;
  writeFileSync(join(folder, "package.json"), "{}");
  const { code, stderr } = await runProgram("npm", [
    "install",
    "--prefix",
    folder,
    "--no-audit",
    "--no-fund",
    "--loglevel=error",
    ...client.npm,
  ]);
  return code === 0 ? null : `npm could not install it: ${stderr.trim().split("\n")[0] ?? ""}`;
}

async function isThere({ program, python }: Client): Promise<boolean> {
  if (!isHere(program)) return false;
  if (python === undefined) return true;
  return (await runProgram(program, ["-c", `import ${python}`])).code === 0;
}

function document(all: readonly Row[]): string {
  const cell = (text: string): string => text.replaceAll("|", "\\|");
  return [
    "# Clients",
    "",
    "What real clients do with the proxy's URL as the payloads give it, an e-mail and a key in it, and a certificate of a private authority. Made by `npm run clients -w proxy`, which installs what it can.",
    "",
    "| Client | Verdict | Why not directly |",
    "| --- | --- | --- |",
    ...all.map(({ client, verdict, why }) => `| ${cell(client)} | ${verdict} | ${cell(why)} |`),
    "",
  ].join("\n");
}
