import type { TadaDocumentNode } from "gql.tada";
import { useCallback, useEffect, useRef, useState } from "react";

/** An operation as the build leaves it: the server has its text by this hash. */
interface Persisted {
  readonly id: string;
}

/** What the server refused, in its own words. */
class ApiError extends Error {
  readonly code: string;
  constructor(message: string, code: string) {
    super(message);
    this.code = code;
  }
}

interface GraphqlAnswer<Answer> {
  readonly data?: Answer | null;
  readonly errors?: readonly { readonly message: string; readonly extensions?: { readonly code?: string } }[];
}

export async function send<Answer, Variables>(
  operation: TadaDocumentNode<Answer, Variables>,
  variables: Variables,
): Promise<Answer> {
  const { id } = operation as unknown as Persisted;
  const response = await fetch("/graphql", {
    method: "POST",
    headers: { "content-type": "application/json", accept: "application/json", "flowstate-request": "1" },
    body: JSON.stringify({ extensions: { persistedQuery: { version: 1, sha256Hash: id } }, variables }),
  });
  if (response.status === 401) throw signedOut();
  const { data, errors } = (await response.json()) as GraphqlAnswer<Answer>;
  const [error] = errors ?? [];
  if (error !== undefined) throw new ApiError(error.message, error.extensions?.code ?? "FS_INTERNAL");
  if (data === null || data === undefined) throw new ApiError("The server answered nothing.", "FS_INTERNAL");
  return data;
}

/** Leads to the sign-in page. */
export function signedOut(): Error {
  window.location.assign("/sign-in");
  return new ApiError("You have been signed out.", "FS_UNAUTHENTICATED");
}

export type Loaded<Answer> =
  | { readonly state: "loading" }
  | { readonly state: "failed"; readonly error: Error }
  | { readonly state: "ready"; readonly data: Answer };

/** Loads what a page shows; `reload` fetches it anew and keeps showing the old until then. */
export function useQuery<Answer, Variables>(
  operation: TadaDocumentNode<Answer, Variables>,
  variables: Variables,
  everyMs: number | null = null,
): Query<Answer> {
  const key = JSON.stringify(variables);
  const fetchNow = useCallback(() => send(operation, JSON.parse(key) as Variables), [operation, key]);
  return useLoaded(key, fetchNow, everyMs);
}

export interface Query<Answer> {
  /** The newest answer, which may still be that to earlier variables. */
  readonly loaded: Loaded<Answer>;
  /** The answer to these very variables: loading until it is there. */
  readonly current: Loaded<Answer>;
  readonly reload: () => Promise<void>;
}

/** Keeps what `fetchNow` answers; `key` says what was asked for. An answer to what is not asked any more is dropped. */
export function useLoaded<Answer>(
  key: string | null,
  fetchNow: () => Promise<Answer>,
  everyMs: number | null = null,
): Query<Answer> {
  const [{ answered, loaded }, setAnswer] = useState<{
    readonly answered: string | null;
    readonly loaded: Loaded<Answer>;
  }>({ answered: null, loaded: { state: "loading" } });
  const asked = useRef(key);
  asked.current = key;
  const reload = useCallback(async () => {
    if (key === null) return;
    const loaded = await fetchNow().then(
      (data): Loaded<Answer> => ({ state: "ready", data }),
      (error: unknown): Loaded<Answer> => ({ state: "failed", error: error as Error }),
    );
    if (asked.current === key) setAnswer({ answered: key, loaded });
  }, [key, fetchNow]);
  useEffect(() => {
    void reload();
    if (everyMs === null) return undefined;
    const timer = setInterval(() => void (document.hidden ? undefined : reload()), everyMs);
    return () => clearInterval(timer);
  }, [reload, everyMs]);
  return { loaded, current: answered === key ? loaded : { state: "loading" }, reload };
}
