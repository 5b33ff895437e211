import type { TadaDocumentNode } from "gql.tada";
import { useCallback, useEffect, useState } from "react";

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
  if (response.status === 401) {
    window.location.assign("/sign-in");
    throw new ApiError("You have been signed out.", "FS_UNAUTHENTICATED");
  }
  const { data, errors } = (await response.json()) as GraphqlAnswer<Answer>;
  const [error] = errors ?? [];
  if (error !== undefined) throw new ApiError(error.message, error.extensions?.code ?? "FS_INTERNAL");
  if (data === null || data === undefined) throw new ApiError("The server answered nothing.", "FS_INTERNAL");
  return data;
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
): { readonly loaded: Loaded<Answer>; readonly reload: () => Promise<void> } {
  const [loaded, setLoaded] = useState<Loaded<Answer>>({ state: "loading" });
  const key = JSON.stringify(variables);
  const reload = useCallback(async () => {
    try {
      setLoaded({ state: "ready", data: await send(operation, JSON.parse(key) as Variables) });
    } catch (error) {
      setLoaded({ state: "failed", error: error as Error });
    }
  }, [operation, key]);
  useEffect(() => {
    void reload();
    if (everyMs === null) return undefined;
    const timer = setInterval(() => void (document.hidden ? undefined : reload()), everyMs);
    return () => clearInterval(timer);
  }, [reload, everyMs]);
  return { loaded, reload };
}
