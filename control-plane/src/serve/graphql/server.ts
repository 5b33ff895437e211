import { GraphQLError, parse, type GraphQLErrorOptions } from "graphql";
import { usePersistedOperations } from "@graphql-yoga/plugin-persisted-operations";
import { createYoga, type Plugin } from "graphql-yoga";
import type { FastifyInstance, FastifyRequest } from "fastify";
import { codes, isFlowstateError } from "@flowstate/shared/errors";
import type { Logger } from "@flowstate/shared/log";
import type { Principal } from "../../access/check.ts";
import { publicMessage } from "../errors.ts";
import type { GraphqlContext, GraphqlServices } from "./builder.ts";
import { costOf } from "./cost.ts";
import { graphqlLimits, limitDocument } from "./limits.ts";
import { schema } from "./schema.ts";

export interface GraphqlDependencies {
  readonly services: GraphqlServices;
  readonly findPrincipal: (request: FastifyRequest) => Promise<Principal | null>;
  /** Documents that may be asked for by their hash alone; our own web application's. */
  readonly operations: ReadonlyMap<string, string>;
  readonly log: Logger;
}

/** `/graphql` (GraphQL over HTTP, draft of the GraphQL foundation): GET and POST, one operation a request. */
export async function graphqlRoutes(
  app: FastifyInstance,
  { services, findPrincipal, operations, log }: GraphqlDependencies,
): Promise<void> {
  const yoga = createYoga<{ readonly principal: Principal }, GraphqlContext>({
    schema,
    graphqlEndpoint: "/graphql",
    graphiql: false,
    landingPage: false,
    batching: false,
    cors: false,
    logging: false,
    context: ({ principal }) => ({ ...services, principal }),
    maskedErrors: { maskError: (error) => maskError(error, log) },
    plugins: [
      usePersistedOperations({
        getPersistedOperation: (hash) => operations.get(hash) ?? null,
        allowArbitraryOperations: true,
        customErrors: persistedErrors,
      }),
      limits,
    ],
  });

  app.removeAllContentTypeParsers();
  app.addContentTypeParser(
    "*",
    { parseAs: "buffer", bodyLimit: graphqlLimits.bodyBytes },
    (_, body, done) => {
      done(null, body);
    },
  );
  app.route({
    url: "/graphql",
    method: ["GET", "POST"],
    handler: async (request, reply) => {
      void reply.header("cache-control", "no-store");
      const principal = await findPrincipal(request);
      if (principal === null) {
        const message = "nobody is signed in and no valid API key was sent";
        void reply.code(401).header("www-authenticate", "Bearer");
        return { errors: [{ message, extensions: { code: "FS_UNAUTHENTICATED" } }] };
      }
      const answer = await yoga.fetch(requestOf(request), { principal });
      void reply.code(answer.status);
      for (const name of ["content-type", "allow"]) {
        const value = answer.headers.get(name);
        if (value !== null) void reply.header(name, value);
      }
      return reply.send(await answer.text());
    },
  });
}

/** Only what GraphQL needs goes on: neither the cookie nor the key. */
function requestOf(request: FastifyRequest): Request {
  const headers = new Headers();
  for (const name of ["accept", "content-type"]) {
    const value = request.headers[name];
    if (typeof value === "string") headers.set(name, value);
  }
  const body = Buffer.isBuffer(request.body) ? { body: new Uint8Array(request.body) } : {};
  return new Request(new URL(request.url, "http://localhost"), { method: request.method, headers, ...body });
}

const persistedErrors = {
  notFound: {
    message: "there is no operation of this hash: reload the page, or send the document itself",
    extensions: { code: "FS_NOT_FOUND", http: { status: 400 } },
  },
  keyNotFound: {
    message: "query: a GraphQL document",
    extensions: { code: "FS_INPUT_INVALID", http: { status: 400 } },
  },
};

const limits: Plugin = {
  onParse: ({ setParseFn }) => {
    setParseFn((source: string, options: object) =>
      parse(source, { ...options, maxTokens: graphqlLimits.tokens }),
    );
  },
  onValidate: ({ addValidationRule }) => {
    addValidationRule(limitDocument);
    // These errors do not pass `maskError`, and yoga gives them a code of its own.
    return ({ result }) => {
      for (const { extensions } of result) extensions["code"] = ourCode(extensions["code"]);
    };
  },
  onExecute: ({ args, setResultAndStopExecution }) => {
    if (costOf(args) <= graphqlLimits.objects) return;
    const message = `the answer could hold more than ${graphqlLimits.objects} objects: ask with smaller limits`;
    setResultAndStopExecution({
      errors: [new GraphQLError(message, { extensions: { code: "FS_TOO_LARGE" } })],
    });
  },
};

/** Each error has a stable code; what is not meant for callers is logged and told as a sentence that says nothing. */
function maskError(error: unknown, log: Logger): GraphQLError {
  const original = error instanceof GraphQLError ? error.originalError : error;
  const place = placeOf(error);
  if (isFlowstateError(original)) {
    const { code, details } = original;
    if (codes[code].status >= 500) log.error({ err: original }, "a query failed");
    return new GraphQLError(publicMessage(original), { ...place, extensions: { ...details, code } });
  }
  if (error instanceof GraphQLError && (original === undefined || original instanceof GraphQLError)) {
    const code = ourCode(original?.extensions["code"] ?? error.extensions["code"]);
    return new GraphQLError(error.message, { ...place, extensions: { ...error.extensions, code } });
  }
  log.error({ err: original }, "a query failed");
  return new GraphQLError("something went wrong on our side", {
    ...place,
    extensions: { code: "FS_INTERNAL" },
  });
}

/** What is wrong with a document has a code of GraphQL's own; to our callers it is bad input. */
function ourCode(given: unknown): string {
  return typeof given === "string" && given in codes ? given : "FS_INPUT_INVALID";
}

function placeOf(error: unknown): GraphQLErrorOptions {
  if (!(error instanceof GraphQLError)) return {};
  const { nodes, source, positions, path } = error;
  return { nodes: nodes ?? null, source: source ?? null, positions: positions ?? null, path: path ?? null };
}
