import type { WebSocket } from "ws";
import type { Clock } from "@flowstate/shared/clock";
import type { PolicyMessage } from "@flowstate/shared/wire/agent-policy";
import type { PolicyDesk, PolicyFollower } from "../policy/desk.ts";

export interface PolicyStreamOptions {
  readonly desk: PolicyDesk;
  readonly clock: Clock;
  /** Whether the device's credentials still hold. */
  readonly isWelcome: () => Promise<boolean>;
}

/** Less than proxies on the way keep a connection on which nothing is said. */
const pingMs = 30_000;
const goingAway = 1001;
const policyViolation = 1008;

/**
 * Tells an agent its policy over its socket: at once where the agent has another, and whenever it changes. Ends when
 * the agent leaves or is silent, when its key is revoked, or with the desk.
 */
export async function streamPolicy(
  socket: WebSocket,
  agent: PolicyFollower,
  { desk, clock, isWelcome }: PolicyStreamOptions,
): Promise<void> {
  const gone = new AbortController();
  let isAlive = true;
  socket.on("pong", () => (isAlive = true));
  // A close follows each.
  socket.on("error", () => undefined);
  socket.once("close", () => gone.abort());
  const watchOver = async (): Promise<void> => {
    for (;;) {
      await clock.sleep(pingMs, gone.signal);
      if (gone.signal.aborted) return;
      if (!isAlive) return socket.terminate();
      if (!(await isWelcome())) return socket.close(policyViolation, "the key was revoked");
      isAlive = false;
      socket.ping();
    }
  };
  const tell = async (): Promise<void> => {
    for await (const { etag, policy } of desk.follow(agent, gone.signal)) {
      await send(socket, { type: "policy", etag, policy });
    }
    socket.close(goingAway);
    // Whoever stops does not wait for the agent to agree.
    socket.terminate();
  };
  await Promise.all([watchOver(), tell()]);
}

/** Resolves when the message has left, or cannot any more: what a socket takes slowly is not piled up. */
function send(socket: WebSocket, message: PolicyMessage): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  socket.send(JSON.stringify(message), () => resolve());
  return promise;
}
