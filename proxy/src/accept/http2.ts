import {
  performServerHandshake,
  type IncomingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from "node:http2";
import type { TLSSocket } from "node:tls";

export interface Http2Stream {
  readonly stream: ServerHttp2Stream;
  readonly headers: IncomingHttpHeaders;
  readonly rawHeaders: readonly string[];
  readonly connection: TLSSocket;
}

/** The HTTP/2 connections of a listener. */
export interface Http2Sessions {
  serve(socket: TLSSocket): void;
  /** Takes no new streams on any connection. */
  close(): void;
  destroy(): void;
}

const mostStreams = 100;
/** A client that resets streams as fast as it opens them (CVE-2023-44487) gets this many at once, then so many a second. */
const resetBurst = 100;
const resetsPerSecond = 33;

/** Serves HTTP/2 on established TLS connections; one without a stream for `idleMs` is closed. */
export function createHttp2Sessions(onStream: (asked: Http2Stream) => void, idleMs: number): Http2Sessions {
  const sessions = new Set<ServerHttp2Session>();
  return {
    serve(socket) {
      const session = performServerHandshake(socket, {
        settings: { maxConcurrentStreams: mostStreams, enablePush: false },
        streamResetBurst: resetBurst,
        streamResetRate: resetsPerSecond,
      });
      let open = 0;
      sessions.add(session);
      session.on("error", () => session.destroy());
      session.once("close", () => sessions.delete(session));
      session.setTimeout(idleMs, () => {
        if (open === 0) session.close();
      });
      session.on("stream", (stream, headers, _, rawHeaders: string[]) => {
        open += 1;
        stream.once("close", () => (open -= 1));
        onStream({ stream, headers, rawHeaders, connection: socket });
      });
    },
    close() {
      for (const session of sessions) session.close();
    },
    destroy() {
      for (const session of sessions) session.destroy();
    },
  };
}
