import { hash } from "node:crypto";
import { once } from "node:events";
import { rmSync } from "node:fs";
import type { IncomingMessage } from "node:http";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { http } from "@flowstate/shared/net/http";
import { minuteMs } from "@flowstate/shared/time";
import type { DaemonStatus } from "./status.ts";

/** Where a daemon answers the commands of its own person: a socket in the data folder, on Windows a named pipe. */
export function socketPath(dataFolder: string, platform: NodeJS.Platform = process.platform): string {
  if (platform === "win32")
    return String.raw`\\.\pipe\flowstate-${hash("sha256", dataFolder, "hex").slice(0, 16)}`;
  return join(dataFolder, "agent.sock");
}

const answerMs = 5000;

/** Answers `GET /status`. The data folder is closed to other users, and so is the socket in it. */
export async function serveStatus(dataFolder: string, read: () => DaemonStatus): Promise<AsyncDisposable> {
  const server = http.createServer({ connectionsCheckingInterval: 5 * minuteMs }, (_, response) => {
    response.writeHead(200, { "content-type": "application/json", connection: "close" });
    response.end(JSON.stringify(read()));
  });
  const path = socketPath(dataFolder);
  // Whoever holds the data folder may take the place of a socket that a killed daemon left.
  if (process.platform !== "win32") rmSync(path, { force: true });
  server.listen(path);
  await once(server, "listening");
  return {
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

/** What the daemon of this data folder says of itself; null where none answers. */
export async function askStatus(dataFolder: string): Promise<DaemonStatus | null> {
  const asked = http.request({
    socketPath: socketPath(dataFolder),
    path: "/status",
    signal: AbortSignal.timeout(answerMs),
  });
  asked.end();
  try {
    const [answer] = (await once(asked, "response")) as [IncomingMessage];
    return JSON.parse(await text(answer)) as DaemonStatus;
  } catch {
    return null;
  }
}
