import { useCallback } from "react";
import { signedOut, useLoaded, type Query } from "./api.ts";

/** What the server refused (RFC 9457), in its own words. */
export class RestError extends Error {
  readonly status: number;
  /** The whole answer, for those that name bad lines. */
  readonly answer: unknown;
  constructor(message: string, status: number, answer: unknown) {
    super(message);
    this.status = status;
    this.answer = answer;
  }
}

interface RestRequest {
  readonly method?: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  /** A document, sent as JSON. */
  readonly body?: unknown;
  /** A file, sent as it is. */
  readonly csv?: string;
  /** The version that must still be the newest. */
  readonly version?: number;
}

/** Asks `/api/v1`. Answers the document, or null where there is none. */
export async function rest(path: string, request: RestRequest = {}): Promise<unknown> {
  const { method = "GET", body, csv, version } = request;
  const contentType = csv === undefined ? "application/json" : "text/csv";
  const response = await fetch(path, {
    method,
    headers: {
      accept: "application/json",
      "flowstate-request": "1",
      ...(body === undefined && csv === undefined ? {} : { "content-type": contentType }),
      ...(version === undefined ? {} : { "if-match": `"${version}"` }),
    },
    body: csv ?? (body === undefined ? null : JSON.stringify(body)),
  });
  if (response.status === 401) throw signedOut();
  if (response.status === 204) return null;
  const answer: unknown = await response.json();
  if (!response.ok)
    throw new RestError(titleOf(answer) ?? `HTTP ${response.status}`, response.status, answer);
  return answer;
}

function titleOf(answer: unknown): string | null {
  if (typeof answer !== "object" || answer === null) return null;
  const { title, detail } = answer as { readonly title?: unknown; readonly detail?: unknown };
  return typeof detail === "string" ? detail : typeof title === "string" ? title : null;
}

/** Loads a document of `/api/v1`; nothing where there is no path. */
export function useRest<Answer>(path: string | null): Query<Answer> {
  const fetchNow = useCallback(async () => (await rest(path ?? "")) as Answer, [path]);
  return useLoaded(path, fetchNow);
}
