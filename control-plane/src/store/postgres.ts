import { Kysely, PostgresDialect } from "kysely";
import pg from "pg";
import { FlowstateError, systemCode } from "@flowstate/shared/errors";
import type { Database } from "./database.ts";
import { readInstants } from "./instants.ts";

export interface PostgresEngine {
  readonly reading: Kysely<Database>;
  readonly writing: Kysely<Database>;
}

const int8 = 20;
const connectionsEach = 8;

/** Two pools to one server; the reading one cannot write, because its transactions are read-only by default. */
export function openPostgresEngine(url: string): PostgresEngine {
  return {
    writing: kyselyOver(url, "-c default_transaction_isolation=read\\ committed"),
    reading: kyselyOver(url, "-c default_transaction_read_only=on"),
  };
}

function kyselyOver(url: string, options: string): Kysely<Database> {
  const pool = new pg.Pool({
    connectionString: url,
    max: connectionsEach,
    connectionTimeoutMillis: 10_000,
    options,
    types: { getTypeParser },
  });
  // A connection that breaks while idle is replaced at the next query; without a listener it would end the process.
  pool.on("error", () => undefined);
  return new Kysely<Database>({ dialect: new PostgresDialect({ pool }), plugins: [readInstants] });
}

/** 64-bit integers as bigint; node-postgres would give text. */
function getTypeParser(oid: number, format?: "text" | "binary"): (text: string) => unknown {
  return oid === int8 ? BigInt : (pg.types.getTypeParser(oid, format) as (text: string) => unknown);
}

/** A failure to reach or use the server as one sentence; the address is shown without its credentials. */
export function describePostgresError(error: unknown, url: string): unknown {
  const code = systemCode(error);
  const unreachable = new Set([
    "ECONNREFUSED",
    "ENOTFOUND",
    "ETIMEDOUT",
    "EHOSTUNREACH",
    "ECONNRESET",
    "EAI_AGAIN",
  ]);
  const refusal: Readonly<Record<string, string>> = {
    "28P01": "the password was refused",
    "28000": "the user was refused",
    "3D000": "there is no such database",
    "42501": "the user may not do this",
    "53100": "its disk is full",
    "57P03": "it is starting up or shutting down",
  };
  const reason =
    code !== null && unreachable.has(code)
      ? `it cannot be reached (${code})`
      : code === null
        ? undefined
        : refusal[code];
  return reason === undefined
    ? error
    : new FlowstateError("FS_UNAVAILABLE", `the PostgreSQL server ${addressOf(url)}: ${reason}`, {
        cause: error,
      });
}

function addressOf(url: string): string {
  return URL.canParse(url) ? new URL(url).host + new URL(url).pathname : "of DATABASE_URL";
}
