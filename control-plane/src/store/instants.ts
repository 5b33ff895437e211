import type {
  KyselyPlugin,
  PluginTransformResultArgs,
  QueryResult,
  RootOperationNode,
  UnknownRow,
} from "kysely";

/**
 * Both drivers give every 64-bit integer as a bigint, so that money and counters are exact. Columns that hold UTC
 * milliseconds (`…_at`, `hour`) become numbers here, by name, on either engine.
 */
export const readInstants: KyselyPlugin = {
  transformQuery: ({ node }): RootOperationNode => node,
  transformResult: async ({ result }: PluginTransformResultArgs): Promise<QueryResult<UnknownRow>> => {
    const [first] = result.rows;
    const instants = first === undefined ? [] : Object.keys(first).filter(isInstant);
    if (instants.length > 0) for (const row of result.rows) toNumbers(row, instants);
    return result;
  },
};

function isInstant(column: string): boolean {
  return column.endsWith("_at") || column === "hour";
}

function toNumbers(row: UnknownRow, columns: readonly string[]): void {
  for (const column of columns) {
    const value = row[column];
    if (typeof value === "bigint") row[column] = Number(value);
  }
}
