import type { AiHost } from "@flowstate/shared/hosts";
import type { Fields } from "../../files/json.ts";
import type { SocketEndpoint } from "../endpoint.ts";
import type { AnswerListener, Judged, PendingCall } from "../exchange.ts";
import type { FinishedCall } from "../finished-call.ts";
import { readCompression, type Compression } from "../framing/deflate.ts";
import { readToolSigns, type HeaderLookup } from "../tool.ts";
import { socketCalls, type Asked, type OpenCall } from "./calls.ts";
import type { Dialect } from "./dialect.ts";
import { liveDialect } from "./live.ts";
import { realtimeDialect } from "./realtime.ts";
import { responsesDialect } from "./responses.ts";

/** A request to become a WebSocket over which calls are made. */
export interface Upgrade extends Judged {
  /** What its head tells of what will be asked for; false where only the messages tell it. */
  readonly tellsModel: boolean;
  /** What is said once the provider has agreed; null where it cannot be read. */
  open(header: HeaderLookup): Conversation | null;
}

/** The messages of one socket, each a JSON object, read from copies. Never throws. */
export interface Conversation {
  readonly compression: Compression | null;
  /** What is to be judged of a message before it goes on, or of one that could not be read (null); null for nothing. */
  judged(message: Fields | null): Judged | null;
  /** A message that the client sent and that went on. */
  client(message: Fields): void;
  server(message: Fields): void;
  end(): void;
}

export interface UpgradeStart {
  readonly aiHost: AiHost;
  readonly host: string;
  readonly path: string;
  readonly endpoint: SocketEndpoint;
  readonly header: HeaderLookup;
  readonly listen: () => AnswerListener | null;
  readonly report: (call: FinishedCall) => void;
  readonly onError: (error: unknown) => void;
  readonly now: () => number;
}

const unread = { model: null, body: null };

export function readUpgrade(start: UpgradeStart): Upgrade {
  const { aiHost, host, path, endpoint, header, onError, now } = start;
  const tool = readToolSigns(header);
  const pending = (model: string | null, body: unknown): PendingCall => ({
    host,
    provider: aiHost.provider,
    endpoint,
    path,
    tool,
    model,
    body,
  });
  return {
    endpoint,
    tellsModel: endpoint.model !== null,
    pending: () => pending(endpoint.model, {}),
    open(answerHeader) {
      const compression = readCompression(answerHeader("sec-websocket-extensions"));
      if (compression === undefined) return null;
      const dialect = dialectOf(endpoint, socketCalls({ ...start, tool, pending }), now);
      // What was said goes on whatever becomes of our reading it.
      const safely = <T>(read: () => T): T | null => {
        try {
          return read();
        } catch (error) {
          onError(error);
          return null;
        }
      };
      const asks = (message: Fields | null): Omit<Asked, "at"> | null => {
        if (message === null) return unread;
        return Object.keys(message).length === 0 ? null : safely(() => dialect.asks(message));
      };
      return {
        compression,
        judged(message) {
          const asked = asks(message);
          return asked === null ? null : { endpoint, pending: () => pending(asked.model, asked.body) };
        },
        client: (message) => void safely(() => dialect.client(message)),
        server: (message) => void safely(() => dialect.server(message)),
        end: () => void safely(dialect.end),
      };
    },
  };
}

function dialectOf({ dialect, model }: SocketEndpoint, open: OpenCall, now: () => number): Dialect {
  switch (dialect) {
    case "responses":
      return responsesDialect(open, now);
    case "realtime":
      return realtimeDialect(open, now, model);
    case "live":
      return liveDialect(open, now);
  }
}
