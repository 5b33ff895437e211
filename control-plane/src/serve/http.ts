import { isIP, type BlockList } from "node:net";
import {
  LogController,
  fastify,
  type FastifyBaseLogger,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
} from "fastify";
import { hideKeys, type Logger } from "@flowstate/shared/log";
import { codes, FlowstateError, isFlowstateError, type ErrorCode } from "@flowstate/shared/errors";
import { publicMessage } from "./errors.ts";

export interface HttpOptions {
  readonly log: Logger;
  readonly trustedProxies: BlockList;
}

/** The one HTTP server, without routes: bounds, error answers, and headers that every answer carries. */
export function createHttpServer({ log, trustedProxies }: HttpOptions): FastifyInstance {
  const loggerInstance: FastifyBaseLogger = log;
  const app = fastify({
    loggerInstance,
    // Request lines hold sign-in links; what is worth knowing of a request is in the metrics.
    logController: new LogController({ disableRequestLogging: true }),
    trustProxy: (address: string) => trustedProxies.check(address, isIP(address) === 6 ? "ipv6" : "ipv4"),
    bodyLimit: 100_000,
    requestTimeout: 60_000,
    keepAliveTimeout: 30_000,
    forceCloseConnections: "idle",
  });
  app.addHook("onRequest", async (_, reply) => {
    void reply.header("x-content-type-options", "nosniff");
  });
  app.setErrorHandler((error, request, reply) => answerError(error, request, reply));
  app.setNotFoundHandler((request, reply) =>
    answerError(new FlowstateError("FS_NOT_FOUND", "there is nothing at this address"), request, reply),
  );
  return app;
}

/** An error as a problem document (RFC 9457) with our code. */
function answerError(error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const failure = isFlowstateError(error) ? error : fromFastify(error);
  const { status } = codes[failure.code];
  if (status >= 500) request.log.error({ err: error }, "a request failed");
  if (status === 401) void reply.header("www-authenticate", "Bearer");
  const { code, details } = failure;
  return reply
    .code(status)
    .type("application/problem+json")
    .send({ title: hideKeys(publicMessage(failure)), status, code, ...details });
}

const codeOfStatus: Readonly<Record<number, ErrorCode>> = {
  404: "FS_NOT_FOUND",
  413: "FS_TOO_LARGE",
  429: "FS_RATE_LIMITED",
  503: "FS_UNAVAILABLE",
};

function fromFastify(error: unknown): FlowstateError {
  const status = error instanceof Error && "statusCode" in error ? Number(error.statusCode) : 500;
  if (status >= 500 || !(error instanceof Error)) {
    return new FlowstateError("FS_INTERNAL", "something went wrong on our side", { cause: error });
  }
  return new FlowstateError(codeOfStatus[status] ?? "FS_INPUT_INVALID", error.message, { cause: error });
}

/** Listens, or throws FS_ADDRESS_IN_USE with the address in one sentence. Returns the address with its real port. */
export async function listen(app: FastifyInstance, host: string, port: number): Promise<URL> {
  try {
    return new URL(await app.listen({ host, port }));
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : null;
    if (code === "EADDRINUSE") {
      throw new FlowstateError("FS_ADDRESS_IN_USE", `${host}:${port} is in use by another program`, {
        cause: error,
      });
    }
    if (code === "EADDRNOTAVAIL" || code === "EACCES" || code === "ENOTFOUND") {
      throw new FlowstateError("FS_CONFIG_INVALID", `${host}:${port} cannot be listened on (${code})`, {
        cause: error,
      });
    }
    throw error;
  }
}
