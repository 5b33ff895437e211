import type { FastifyRequest } from "fastify";

/** The version in If-Match, strong or weak; null where there is none, or any will do. */
export function expectedVersion(request: FastifyRequest): bigint | null {
  const given = request.headers["if-match"];
  if (given === undefined || given === "*") return null;
  const version = /^(?:W\/)?"(\d{1,18})"$/.exec(given)?.[1];
  // A tag that we never gave matches nothing.
  return version === undefined ? -1n : BigInt(version);
}
