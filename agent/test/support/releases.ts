import { createHash } from "node:crypto";
import { once } from "node:events";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { defaultAgentSettings, type AgentSettings } from "@flowstate/shared/wire/agent-policy";
import { signRelease } from "@flowstate/shared/release-signature";
import type { OfferedRelease } from "@flowstate/shared/wire/release";
import { thisPlatform } from "../../src/update/offers.ts";

/** The part of a control plane that offers releases, and can be hostile. */
export interface ReleaseDesk extends AsyncDisposable {
  readonly url: URL;
  /** How often the list was asked for, and how often a program. */
  readonly asked: { list: number; program: number };
  readonly settings: AgentSettings;
  /** Offers a program; a manifest that says something else of it may be given. */
  offer(program: Buffer, version: string, change?: Partial<OfferedRelease>): OfferedRelease;
  set(change: Partial<AgentSettings>): void;
  /** Answers requests for programs in the place of the desk; null leaves it to the desk. */
  meddle: ((response: ServerResponse, from: number) => void) | null;
  /** Answers every request with this status; null ends it. */
  status: number | null;
}

/** `signKey` is the private release key as PEM; null offers everything unsigned. */
export async function startReleaseDesk(signKey: string | null): Promise<ReleaseDesk> {
  const programs = new Map<string, Buffer>();
  let releases: readonly OfferedRelease[] = [];
  let settings = defaultAgentSettings;
  const json = (response: ServerResponse, body: object): void => {
    response.writeHead(200, { "content-type": "application/json", etag: '"1"' });
    response.end(JSON.stringify(body));
  };
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url ?? "/", "http://desk");
    if (desk.status !== null) return void response.writeHead(desk.status).end("{}");
    if (pathname === "/ingest/v1/policy") {
      const policy = { version: null, issuedAt: new Date().toISOString(), rules: [], hasCostCentre: null };
      return json(response, { ...policy, settings });
    }
    if (pathname === "/ingest/v1/releases") {
      desk.asked.list += 1;
      return json(response, { releases });
    }
    const program = programs.get(pathname.slice("/ingest/v1/releases/".length));
    if (program === undefined) return void response.writeHead(404).end("{}");
    desk.asked.program += 1;
    const from = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? "")?.[1] ?? 0);
    if (desk.meddle !== null) return desk.meddle(response, from);
    response.writeHead(from === 0 ? 200 : 206, { "content-range": `bytes ${from}-/${program.length}` });
    response.end(program.subarray(from));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const desk: ReleaseDesk = {
    url: new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}`),
    asked: { list: 0, program: 0 },
    get settings() {
      return settings;
    },
    offer(program, version, change = {}) {
      const sha256 = createHash("sha256").update(program).digest("hex");
      const manifest = {
        version,
        platform: thisPlatform,
        size: program.length,
        sha256,
        releasedAt: "2026-11-20T10:00:00Z",
      };
      const signed = signKey === null ? { ...manifest, signature: null } : signRelease(manifest, signKey);
      const release: OfferedRelease = { ...signed, channel: "stable", ...change };
      programs.set(release.sha256, program);
      releases = [...releases.filter((each) => each.version !== version), release];
      return release;
    },
    set: (change) => void (settings = { ...settings, ...change }),
    meddle: null,
    status: null,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
  return desk;
}
