import { useCallback } from "react";
import { useLoaded, type Query } from "../../api.ts";
import { rest } from "../../rest.ts";
import { kindNames, type Directory } from "./kinds.ts";

const pageSize = 500;
/** Pages of one kind that are read; a company of ten thousand has twenty. */
const mostPages = 40;

interface ListPage {
  readonly data: readonly unknown[];
  readonly nextCursor: string | null;
}

/** The whole directory: names in one list stand for entities of another. */
export function useDirectory(): Query<Directory> {
  const fetchNow = useCallback(async () => {
    const lists = await Promise.all(kindNames.map(async (kind) => [kind, await readAll(kind)] as const));
    return Object.fromEntries(lists) as unknown as Directory;
  }, []);
  return useLoaded("directory", fetchNow);
}

async function readAll(kind: string): Promise<readonly unknown[]> {
  const found: unknown[] = [];
  let cursor: string | null = "";
  for (let page = 0; page < mostPages && cursor !== null; page += 1) {
    const query = new URLSearchParams({ cursor, limit: String(pageSize) });
    const answer = (await rest(`/api/v1/${kind}?${query.toString()}`)) as ListPage;
    found.push(...answer.data);
    cursor = answer.nextCursor;
  }
  return found;
}
