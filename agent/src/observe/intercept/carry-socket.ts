import type { Socket } from "node:net";
import { refusalFrames } from "../../policy/refuse-frames.ts";
import { parseFields, type Fields } from "../files/json.ts";
import type { Judged } from "./exchange.ts";
import { longestLine } from "./framing/lines.ts";
import { webSocketReader } from "./framing/websocket.ts";
import { mostRequestBytes } from "./request.ts";
import type { Conversation } from "./socket/upgrade.ts";
import type { Refusal, Watch } from "./watch.ts";

/** One WebSocket that is being carried. */
export interface CarriedSocket {
  fromClient(bytes: Buffer): void;
  /** Bytes that have gone on to the client already. */
  fromProvider(bytes: Buffer): void;
  /** Both sides are gone. */
  end(): void;
}

export interface SocketEnds {
  readonly client: Socket;
  readonly conversation: Conversation;
  readonly watch: Watch;
  readonly toUpstream: (bytes: Buffer) => void;
  /** Gives the client a last word and lets the provider go. */
  readonly refuse: (lastWord: Buffer) => void;
}

/**
 * Carries the frames of a WebSocket as they are and reads beside them. While there is something to judge by, each
 * message of the client waits until it is whole; those of the provider never wait.
 */
export function carrySocket({ client, conversation, watch, toUpstream, refuse }: SocketEnds): CarriedSocket {
  const { compression } = conversation;
  let held: Buffer[] | null = null;
  let heldBytes = 0;
  let isJudging = false;
  let refusal: Refusal | null = null;

  /** Nothing may stand inside of a message that the provider is sending. */
  const refuseWhenBetween = (): void => {
    if (refusal === null) return;
    if (messages.isBroken) refuse(Buffer.alloc(0));
    else if (messages.isBetween) refuse(refusalFrames(refusal.call, refusal.verdict));
  };
  const judge = async (judged: Judged, whenAllowed: () => void): Promise<void> => {
    isJudging = true;
    asked.pause();
    client.pause();
    refusal = await watch.refusal(judged);
    isJudging = false;
    if (client.destroyed) return;
    if (refusal === null) {
      letGo();
      whenAllowed();
      asked.resume();
    } else {
      held = null;
      refuseWhenBetween();
    }
    client.resume();
  };
  const letGo = (): void => {
    const bytes = held ?? [];
    held = null;
    for (const part of bytes) toUpstream(part);
  };

  const asked = webSocketReader(
    {
      onStart() {
        held = watch.decides ? [] : null;
        heldBytes = 0;
      },
      onBytes(bytes) {
        if (refusal !== null) return;
        if (held === null) return toUpstream(bytes);
        held.push(bytes);
        heldBytes += bytes.length;
        if (heldBytes <= mostRequestBytes || isJudging) return;
        const tooLarge = conversation.judged(null);
        if (tooLarge !== null) void judge(tooLarge, () => undefined);
      },
      onMessage(bytes) {
        // It was too large to wait for its end.
        if (isJudging) return;
        const message = bytes === null ? null : documentOf(bytes);
        const read = (): void => void (message !== null && conversation.client(message));
        const judged = held === null ? null : conversation.judged(message);
        if (judged !== null) return void judge(judged, read);
        letGo();
        read();
      },
    },
    { deflate: compression?.client ?? null, mostBytes: mostRequestBytes },
  );
  const messages = webSocketReader(
    {
      onStart: () => undefined,
      onBytes: () => undefined,
      onMessage: (bytes) => void (bytes !== null && conversation.server(documentOf(bytes))),
    },
    { deflate: compression?.server ?? null, mostBytes: longestLine },
  );

  return {
    fromClient: (bytes) => void (refusal === null && asked.write(bytes)),
    fromProvider(bytes) {
      messages.write(bytes);
      refuseWhenBetween();
    },
    end: conversation.end,
  };
}

/** Empty for what is no JSON object. */
function documentOf(message: Buffer): Fields {
  return parseFields(message.toString("utf8")) ?? {};
}
