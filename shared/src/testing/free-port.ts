import { randomInt } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:net";

/**
 * A port of 127.0.0.1 that nothing listens on, for a program that must be told which to take and for an address that
 * nobody answers. It lies below what a system hands out by itself, so that no other test takes it meanwhile. For tests.
 */
export async function freePort(): Promise<number> {
  const port = randomInt(10_000, 30_000);
  const server = createServer();
  const free = new Promise<boolean>((resolve) => {
    server.on("listening", () => resolve(true)).on("error", () => resolve(false));
  });
  server.listen(port, "127.0.0.1");
  if (!(await free)) return freePort();
  server.close();
  await once(server, "close");
  return port;
}
