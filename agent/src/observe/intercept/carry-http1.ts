import type { Socket } from "node:net";
import { refusalAnswer, refusalBytes } from "../../policy/refuse.ts";
import { reset } from "../../relay/join.ts";
import { carrySocket, type CarriedSocket } from "./carry-socket.ts";
import { http1Reader } from "./http1.ts";
import type { Exchange, Judged } from "./exchange.ts";
import { mostRequestBytes } from "./request.ts";
import type { Upgrade } from "./socket/upgrade.ts";
import type { HeaderLookup } from "./tool.ts";
import type { Watch } from "./watch.ts";

/** One request on its way and the answer that is awaited. */
interface Turn {
  readonly method: string;
  readonly exchange: Exchange | null;
  readonly upgrade: Upgrade | null;
  /** What has to be judged before the request goes on. */
  readonly judged: Judged | null;
}

/**
 * Carries a connection's bytes as they are and reads beside them. A request that has to be judged waits until it is
 * whole; answers never wait. After an upgrade it is the messages of the WebSocket that are read and judged. Ends and
 * resets of one side become those of the other.
 */
export function carryHttp1(client: Socket, upstream: Socket, watch: Watch): void {
  const turns: Turn[] = [];
  let asking: Turn | null = null;
  let held: Buffer[] | null = null;
  let heldBytes = 0;
  let isInterim = false;
  let isRefused = false;
  let socket: CarriedSocket | null = null;
  const toUpstream = writer(client, upstream);
  const toClient = writer(upstream, client);

  const refuse = (lastWord: Buffer): void => {
    isRefused = true;
    turns.length = 0;
    client.end(lastWord);
    // What was let through before still arrives.
    upstream.destroySoon();
  };
  const judge = async (judged: Judged): Promise<void> => {
    requests.pause();
    client.pause();
    const refusal = await watch.refusal(judged);
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
    refuse(refusalBytes(refusalAnswer(refusal.call, refusal.verdict)));
    client.resume();
  };
  const openTurn = (line: string, fields: ReadonlyMap<string, string>): Turn => {
    const [method = "", target = ""] = line.split(" ");
    const header: HeaderLookup = (name) => fields.get(name) ?? null;
    const isWebSocket = method === "GET" && /\bwebsocket\b/i.test(fields.get("upgrade") ?? "");
    const upgrade = isWebSocket ? watch.upgrade(target, header) : null;
    const exchange = isWebSocket ? null : watch.open(method, target, header);
    const judged = watch.decides ? (exchange ?? (upgrade?.tellsModel === true ? upgrade : null)) : null;
    return { method, exchange, upgrade, judged };
  };
  const openSocket = ({ upgrade }: Turn, header: HeaderLookup): CarriedSocket | null => {
    const conversation = upgrade?.open(header) ?? null;
    return conversation === null ? null : carrySocket({ client, conversation, watch, toUpstream, refuse });
  };

  const requests = http1Reader({
    onHead({ line, fields }) {
      asking = openTurn(line, fields);
      turns.push(asking);
      if (asking.judged !== null) {
        held = [];
        if (fields.has("expect")) client.write("HTTP/1.1 100 Continue\r\n\r\n");
      }
      return "framed";
    },
    onBytes(bytes) {
      if (socket !== null) return socket.fromClient(bytes);
      if (held === null) return void (isRefused || toUpstream(bytes));
      held.push(bytes);
      heldBytes += bytes.length;
      const judged = asking?.judged ?? null;
      if (heldBytes > mostRequestBytes && judged !== null) void judge(judged);
    },
    onBody: (bytes) => asking?.exchange?.requestBody(bytes),
    onEnd() {
      const judged = asking?.judged ?? null;
      asking = null;
      if (held !== null && judged !== null) void judge(judged);
    },
  });

  const answers = http1Reader({
    onHead({ line, fields }) {
      const status = Number(line.split(" ")[1]);
      const [turn] = turns;
      if (turn === undefined) return "opaque";
      const header: HeaderLookup = (name) => fields.get(name) ?? null;
      if (status === 101) {
        turns.length = 0;
        socket = openSocket(turn, header);
        requests.becomeOpaque();
        return "raw";
      }
      isInterim = status < 200;
      if (isInterim) return "bare";
      turn.exchange?.answerHead(status, header);
      return turn.method === "HEAD" || status === 204 || status === 304 ? "bare" : "framed-or-close";
    },
    // They have gone on already.
    onBytes: () => undefined,
    onBody: (bytes) => (socket === null ? turns[0]?.exchange?.answerBody(bytes) : socket.fromProvider(bytes)),
    onEnd() {
      if (isInterim) return;
      const turn = turns.shift();
      if (turn?.exchange) watch.finish(turn.exchange, true);
    },
  });
  const finishAll = (): void => {
    const isWhole = upstream.readableEnded && answers.isBetween;
    for (const { exchange } of turns.splice(0)) if (exchange !== null) watch.finish(exchange, isWhole);
    socket?.end();
  };

  client.on("data", requests.write);
  upstream.on("data", (chunk: Buffer) => {
    // As they came, in one record of TLS, before anything is read in them.
    if (!isRefused) toClient(chunk);
    answers.write(chunk);
  });
  client.on("end", () => upstream.end());
  upstream.on("end", () => client.end());
  client.on("error", () => reset(upstream));
  upstream.on("error", () => isRefused || reset(client));
  client.once("close", () => {
    if (isRefused || !client.readableEnded || !client.writableFinished) reset(upstream);
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
