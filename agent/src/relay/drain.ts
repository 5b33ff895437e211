import type { Socket } from "node:net";
import { setTimeout as delay } from "node:timers/promises";

const lookMs = 50;
/** Two seconds: the next daemon waits for the end of this one. */
const mostLooks = 40;
/** Half a second without a byte: there is nothing that could be finished. */
const quietLooks = 10;

/**
 * Lets connections come to their end in which bytes still move, so that an answer that is nearly there arrives although
 * the agent is being restarted. Those that fall quiet are closed. It counts looks and not time: a machine that is too
 * busy to look is too busy to send, too.
 */
export async function drain(clients: ReadonlySet<Socket>): Promise<void> {
  const seen = new Map<Socket, { readonly bytes: number; readonly quiet: number }>();
  for (let looks = 0; looks < mostLooks && clients.size > 0; looks += 1) {
    for (const client of clients) {
      const bytes = client.bytesRead + client.bytesWritten;
      const last = seen.get(client);
      const quiet = last?.bytes === bytes ? last.quiet + 1 : 0;
      seen.set(client, { bytes, quiet });
      if (quiet >= quietLooks) client.destroy();
    }
    await delay(lookMs);
  }
}
