import type { Socket } from "node:net";
import { refusalBytes } from "../../policy/refuse.ts";
import { reset } from "../../relay/join.ts";
import { http1Reader } from "./http1.ts";
import type { Exchange } from "./exchange.ts";
import { mostRequestBytes } from "./request.ts";
import type { Watch } from "./watch.ts";

/** One request on its way and the answer that is awaited. */
interface Turn {
  readonly method: string;
  readonly exchange: Exchange | null;
}

/**
 * Carries a connection's bytes as they are and reads beside them. A request that has to be judged waits until it is
 * whole; answers never wait. Ends and resets of one side become those of the other.
 */
export function carryHttp1(client: Socket, upstream: Socket, watch: Watch): void {
  const turns: Turn[] = [];
  let asking: Turn | null = null;
  let held: Buffer[] | null = null;
  let heldBytes = 0;
  let isInterim = false;
  let isRefused = false;
  const toUpstream = writer(client, upstream);
  const toClient = writer(upstream, client);

  const judge = async (exchange: Exchange): Promise<void> => {
    requests.pause();
    client.pause();
    const refusal = await watch.refusal(exchange);
    if (client.destroyed) return;
    const bytes = held ?? [];
    held = null;
    heldBytes = 0;
    if (refusal === null) {
      for (const part of bytes) toUpstream(part);
      requests.resume();
      client.resume();
      return;
    }
    isRefused = true;
    turns.length = 0;
    client.end(refusalBytes(refusal));
    client.resume();
    upstream.destroy();
  };

  const requests = http1Reader({
    onHead({ line, fields }) {
      const [method = "", target = ""] = line.split(" ");
      const exchange = watch.open(method, target, (name) => fields.get(name) ?? null, fields.has("upgrade"));
      asking = { method, exchange };
      turns.push(asking);
      if (exchange !== null && watch.decides) {
        held = [];
        if (fields.has("expect")) client.write("HTTP/1.1 100 Continue\r\n\r\n");
      }
      return "framed";
    },
    onBytes(bytes) {
      if (held === null) return void (isRefused || toUpstream(bytes));
      held.push(bytes);
      heldBytes += bytes.length;
      const exchange = asking?.exchange ?? null;
      if (heldBytes > mostRequestBytes && exchange !== null) void judge(exchange);
    },
    onBody: (bytes) => asking?.exchange?.requestBody(bytes),
    onEnd() {
      const exchange = asking?.exchange ?? null;
      asking = null;
      if (held !== null && exchange !== null) void judge(exchange);
    },
  });

  const answers = http1Reader({
    onHead({ line, fields }) {
      const status = Number(line.split(" ")[1]);
      const [turn] = turns;
      if (turn === undefined) return "opaque";
      if (status === 101) {
        turns.length = 0;
        requests.becomeOpaque();
        return "opaque";
      }
      isInterim = status < 200;
      if (isInterim) return "bare";
      turn.exchange?.answerHead(status, (name) => fields.get(name) ?? null);
      return turn.method === "HEAD" || status === 204 || status === 304 ? "bare" : "framed-or-close";
    },
    onBytes: toClient,
    onBody: (bytes) => turns[0]?.exchange?.answerBody(bytes),
    onEnd() {
      if (isInterim) return;
      const turn = turns.shift();
      if (turn?.exchange) watch.finish(turn.exchange, true);
    },
  });
  const finishAll = (): void => {
    const isWhole = upstream.readableEnded && answers.isBetween;
    for (const { exchange } of turns.splice(0)) if (exchange !== null) watch.finish(exchange, isWhole);
  };

  client.on("data", requests.write);
  upstream.on("data", answers.write);
  client.on("end", () => upstream.end());
  upstream.on("end", () => client.end());
  client.on("error", () => reset(upstream));
  upstream.on("error", () => isRefused || reset(client));
  client.once("close", () => {
    if (!client.readableEnded || !client.writableFinished) reset(upstream);
  });
  upstream.once("close", () => {
    finishAll();
    if (isRefused) return;
    if (!upstream.readableEnded) reset(client);
    else if (!upstream.writableFinished) client.destroySoon();
  });
}

/** Writes to one side and holds the other back while it is full. */
function writer(from: Socket, to: Socket): (bytes: Buffer) => void {
  let isFull = false;
  to.on("drain", () => {
    isFull = false;
    from.resume();
  });
  return (bytes) => {
    if (to.destroyed || to.write(bytes) || isFull) return;
    isFull = true;
    from.pause();
  };
}
