import { execFile } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { createServer as createPlainServer, type RequestListener } from "node:http";
import { createServer } from "node:https";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { createLogger } from "@flowstate/shared/log";
import { basicCredential, percentEncode } from "@flowstate/shared/net/basic-auth";
import { Secret } from "@flowstate/shared/secret";
import { startNameServer } from "@flowstate/shared/testing/name-server";
import { temporaryFolder } from "@flowstate/shared/testing/temp";
import { createAuthority, issueCertificate } from "@flowstate/shared/tls/certificate";
import { startRelay } from "@flowstate/agent/relay/server";
import { startInstallation } from "../support/installation.ts";

/** Where clients are tried: an installation, and an origin whose name only the proxy can resolve. */
export interface Place extends AsyncDisposable {
  readonly folder: string;
  /** The origin; who reaches it has gone through the proxy. */
  readonly origin: string;
  /** The same in the clear. */
  readonly plainOrigin: string;
  /** The proxy as payloads name it, the person's e-mail and the organisation's key in it. */
  readonly direct: string;
  /** The agent's relay, without credentials. */
  readonly relay: string;
  /** PEM of the authorities of the proxy and of the origin. */
  readonly caFile: string;
  /** Requests that the origin has had. */
  requests(): number;
}

/** How a client is run. Variables come on top of a bare environment. */
export interface Run {
  readonly command: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** A folder of its own where the program needs its packages. */
  readonly cwd?: string;
}

const originName = "api.origin.example";
const person = "person@example.com";
const patienceMs = 60_000;

export async function openPlace(): Promise<Place> {
  await using stack = new AsyncDisposableStack();
  const folder = stack.use(temporaryFolder()).path;
  const names = stack.use(await startNameServer({ [originName]: ["127.0.0.1"] }));
  const installation = stack.use(await startInstallation({ env: { FLOWSTATE_PROXY_DNS: names.address } }));
  const authority = createAuthority({ commonName: "Origin authority", days: 30 });
  const leaf = issueCertificate(authority, { commonName: originName, names: [originName], days: 10 });
  let requests = 0;
  const answer: RequestListener = (request, response) => {
    requests += 1;
    request.resume();
    response.end(JSON.stringify({ object: "list", data: [] }));
  };
  const [port, plainPort] = await Promise.all(
    [createServer({ cert: leaf.certificate, key: leaf.privateKey }, answer), createPlainServer(answer)].map(
      async (server) => {
        server.listen(0, "127.0.0.1");
        await once(server, "listening");
        stack.defer(() => {
          server.closeAllConnections();
          server.close();
        });
        return (server.address() as AddressInfo).port;
      },
    ),
  );
  const provisioned = await installation.control("org-key", "provision", "--org", "default", "--json");
  const { key } = JSON.parse(provisioned.stdout) as { key: string };
  const ca = readFileSync(installation.caFile, "utf8");
  const caFile = join(folder, "ca.pem");
  writeFileSync(caFile, ca + authority.certificate);
  const proxy = new URL(installation.proxy);
  const relay = stack.use(
    await startRelay({
      port: 0,
      cloudProxy: {
        url: proxy,
        credential: new Secret(basicCredential({ user: person, password: key })),
        ca: [ca],
      },
      whenDown: "fail",
      intercept: null,
      log: createLogger("clients", "silent"),
    }),
  );
  const opened = stack.move();
  return {
    folder,
    origin: `https://${originName}:${port}`,
    plainOrigin: `http://${originName}:${plainPort}`,
    direct: `https://${percentEncode(person)}:${key}@localhost:${proxy.port}`,
    relay: relay.address,
    caFile,
    requests: () => requests,
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}

export interface Outcome {
  readonly reached: boolean;
  /** The last line of what the client complained about. */
  readonly complaint: string;
}

/** Runs a client until it ends or the origin has heard it, and says which. */
export async function tryClient(place: Place, { command, args, env = {}, cwd }: Run): Promise<Outcome> {
  const before = place.requests();
  const complaint = await new Promise<string>((resolve) => {
    const child = execFile(
      command,
      [...args],
      {
        cwd: cwd ?? place.folder,
        timeout: patienceMs,
        killSignal: "SIGKILL",
        env: { PATH: process.env["PATH"] ?? "", HOME: place.folder, ...env },
      },
      (error, stdout, stderr) => {
        clearInterval(watch);
        resolve(error === null ? "" : lastLine(stderr) || lastLine(stdout) || error.message);
      },
    );
    // A command-line tool may go on for minutes after the request that proves the way.
    const watch = setInterval(() => {
      if (place.requests() > before) child.kill("SIGKILL");
    }, 500);
    child.stdin?.end();
  });
  return { reached: place.requests() > before, complaint };
}

/** Whether a program of that name can be started here. */
export function isHere(command: string): boolean {
  if (command.includes("/")) return existsSync(command);
  return (process.env["PATH"] ?? "").split(":").some((folder) => existsSync(join(folder, command)));
}

function lastLine(text: string): string {
  return text.trim().split("\n").at(-1)?.trim().slice(0, 200) ?? "";
}
