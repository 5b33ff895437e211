import type { Readable } from "node:stream";
import type { Dispatcher } from "undici";
import type { z } from "zod";
import { backoffMs, type Clock } from "@flowstate/shared/clock";
import type { Secret } from "@flowstate/shared/secret";
import { download } from "./download.ts";
import { firstFault, parseExactJson } from "./exact-json.ts";
import {
  describeNetworkError,
  hideCredentials,
  vendorError,
  vendorWords,
  type VendorFailure,
} from "./failure.ts";
import { createPace } from "./pace.ts";

/** A client for one address of a vendor: paced, patient where that helps, bounded, and silent about credentials. */
export interface VendorHttp {
  /** Sends one request, again where the failure may pass. Throws FS_UPSTREAM for any status that `expect` lacks. */
  send(request: VendorRequest, signal: AbortSignal): Promise<VendorAnswer>;
  /** The same for JSON: numbers arrive as exact text (see exact-json.ts), and the answer must fit the schema. */
  json<Schema extends z.ZodType>(
    request: VendorRequest & { readonly schema: Schema },
    signal: AbortSignal,
  ): Promise<z.output<Schema>>;
  /**
   * Lines of a file at an address that the vendor handed out, read as they come. Credentials are not sent along, and
   * the host must be one of `downloadHosts`.
   */
  lines(address: string, signal: AbortSignal): AsyncIterable<string>;
}

export interface ClientOptions {
  /** The vendor as errors name it. */
  readonly vendor: string;
  /** https:// address with or without a path. */
  readonly address: string;
  /** Headers of every request, the credential's among them. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Headers that depend on the request, such as a signature. Made anew for each attempt. */
  readonly authorise?: (request: PreparedRequest) => Readonly<Record<string, string>>;
  /** Taken out of every text that the vendor sends back. */
  readonly secrets: readonly Secret[];
  readonly perMinute: number;
  /** Headers that say as `Retry-After` does how long to wait; the longest counts. */
  readonly retryAfterHeaders?: readonly string[];
  /** Host names, or `.domain` for all below it, that hand-out addresses may name. */
  readonly downloadHosts?: readonly string[];
  /** For one attempt, from the first byte out to the last one in. */
  readonly attemptMs?: number;
  readonly maxAnswerBytes?: number;
}

export interface VendorRequest {
  readonly method?: "GET" | "POST";
  /** Below the client's address. */
  readonly path: string;
  /** A list is sent as repeated names; null and undefined are left out. */
  readonly query?: Readonly<Record<string, QueryValue>>;
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as JSON. */
  readonly json?: unknown;
  /** Sent as application/x-www-form-urlencoded. */
  readonly form?: Readonly<Record<string, string>>;
  /** Statuses that are an answer; 200 alone unless said otherwise. */
  readonly expect?: readonly number[];
  /** False where a second sending would do something twice. */
  readonly repeatable?: boolean;
}

type QueryValue = string | number | boolean | readonly string[] | null | undefined;

export interface PreparedRequest {
  readonly method: "GET" | "POST";
  readonly url: URL;
  readonly body: string | null;
  readonly at: number;
}

export interface VendorAnswer {
  readonly status: number;
  header(name: string): string | null;
  readonly text: string;
}

export interface HttpDependencies {
  readonly clock: Clock;
  /** Takes the place of every address, for tests against a local server; null otherwise. */
  readonly override: URL | null;
  readonly random?: () => number;
}

const maxAttempts = 5;
/** A vendor that asks for more patience than this is left alone until the next sync. */
const maxRetryAfterMs = 5 * 60_000;
const transient = new Set([408, 429, 500, 502, 503, 504, 520, 522, 524, 529]);

export function createVendorHttp(
  options: ClientOptions,
  { clock, override, random }: HttpDependencies,
): VendorHttp {
  const { maxAnswerBytes = 64 * 1024 * 1024 } = options;
  const pace = createPace(options.perMinute, clock);
  const base = baseOf(options.address, override);

  async function send(request: VendorRequest, signal: AbortSignal): Promise<ReadAnswer> {
    const { expect = [200], repeatable = true } = request;
    for (let attempt = 0; ; attempt += 1) {
      const outcome = await tryOnce(request, signal);
      if (outcome.kind === "answer" && expect.includes(outcome.answer.status)) return outcome.answer;
      const again = repeatable && attempt + 1 < maxAttempts ? waitBefore(outcome, attempt) : null;
      if (again === null) throw failureOf(outcome, request);
      await clock.sleep(again, signal);
    }
  }

  async function tryOnce(request: VendorRequest, signal: AbortSignal): Promise<Outcome> {
    await pace.take(signal);
    signal.throwIfAborted();
    const prepared = prepare(base, request, clock.now());
    const deadline = AbortSignal.timeout(options.attemptMs ?? 60_000);
    try {
      // Loaded with the first request: commands that send none start a tenth of a second sooner.
      const { request: httpRequest } = await import("undici");
      const answer = await httpRequest(prepared.url, {
        method: prepared.method,
        headers: {
          accept: "application/json",
          "user-agent": "Flowstate (usage provider sync)",
          ...contentType(request),
          ...options.headers,
          ...request.headers,
          ...options.authorise?.(prepared),
        },
        body: prepared.body,
        signal: AbortSignal.any([signal, deadline]),
      });
      const text = await readBounded(answer.body, maxAnswerBytes);
      if (text === null) return { kind: "too_large" };
      return readAnswer(answer, text);
    } catch (error) {
      signal.throwIfAborted();
      const reason = deadline.aborted ? "it did not answer in time" : describeNetworkError(error);
      return { kind: "no_answer", reason, cause: error };
    }
  }

  function waitBefore(outcome: Outcome, attempt: number): number | null {
    const waitMs = backoffMs(attempt, {
      baseMs: 500,
      maxMs: 30_000,
      ...(random === undefined ? {} : { random }),
    });
    if (outcome.kind === "no_answer") return waitMs;
    if (outcome.kind === "too_large" || !transient.has(outcome.answer.status)) return null;
    const asked = ["retry-after", ...(options.retryAfterHeaders ?? [])].flatMap(
      (name) => retryAfterMs(outcome.answer.header(name), clock.now()) ?? [],
    );
    const longestMs = Math.max(0, ...asked);
    return longestMs > maxRetryAfterMs ? null : Math.max(longestMs, waitMs);
  }

  function failureOf(outcome: Outcome, request: VendorRequest): Error {
    const { vendor, secrets } = options;
    if (outcome.kind === "too_large") {
      return vendorError(
        "too_large",
        `${vendor}: the answer is larger than ${maxAnswerBytes} bytes (${request.path})`,
      );
    }
    if (outcome.kind === "no_answer") {
      const { reason, cause } = outcome;
      return vendorError("unreachable", `${vendor}: ${hideCredentials(reason, secrets)} (${request.path})`, {
        cause,
      });
    }
    const { status, text } = outcome.answer;
    const words = hideCredentials(vendorWords(text) ?? "no explanation was given", secrets);
    return vendorError(failureOfStatus(status), `${vendor}: ${words} (HTTP ${status}, ${request.path})`, {
      status,
    });
  }

  return {
    send,
    async json({ schema, ...request }, signal) {
      const { json, text } = await send(request, signal);
      const parsed = schema.safeParse(
        json === undefined ? readJson(text, options.vendor, request.path) : json,
      );
      if (parsed.success) return parsed.data;
      const fault = hideCredentials(firstFault(parsed.error), options.secrets);
      throw vendorError("changed", `${options.vendor} changed its answer: ${fault} (${request.path})`);
    },
    lines: (address, signal) => download(address, signal, { ...options, pace, override }),
  };
}

type Outcome =
  | { readonly kind: "answer"; readonly answer: ReadAnswer }
  | { readonly kind: "no_answer"; readonly reason: string; readonly cause: unknown }
  | { readonly kind: "too_large" };

/** An answer that has been parsed already where it says that it is JSON. */
interface ReadAnswer extends VendorAnswer {
  readonly json: unknown;
}

/** The override stands for the origin alone; the vendor's path stays. */
function baseOf(address: string, override: URL | null): URL {
  const own = new URL(address);
  return override === null ? own : new URL(own.pathname, override);
}

function readJson(text: string, vendor: string, path: string): unknown {
  try {
    return parseExactJson(text);
  } catch (error) {
    throw vendorError("changed", `${vendor} answered something else than JSON (${path})`, { cause: error });
  }
}

function prepare(base: URL, request: VendorRequest, at: number): PreparedRequest {
  const url = new URL(base.href.replace(/\/$/, "") + request.path);
  for (const [name, value] of Object.entries(request.query ?? {})) {
    if (value === null || value === undefined) continue;
    for (const item of typeof value === "object" ? value : [String(value)])
      url.searchParams.append(name, item);
  }
  const { json, form } = request;
  const body =
    json !== undefined ? JSON.stringify(json) : form !== undefined ? String(new URLSearchParams(form)) : null;
  return { method: request.method ?? (body === null ? "GET" : "POST"), url, body, at };
}

function contentType({ json, form }: VendorRequest): Readonly<Record<string, string>> {
  if (json !== undefined) return { "content-type": "application/json" };
  return form === undefined ? {} : { "content-type": "application/x-www-form-urlencoded" };
}

/** A chunked answer that a gateway ended early has no length to tell by; JSON that does not end does. */
function readAnswer({ statusCode, headers }: Dispatcher.ResponseData, text: string): Outcome {
  const header = (name: string): string | null => {
    const value = headers[name];
    return typeof value === "string" ? value : (value?.[0] ?? null);
  };
  const answer = { status: statusCode, header, text };
  const isJson = statusCode === 200 && header("content-type")?.includes("json") === true;
  try {
    return { kind: "answer", answer: { ...answer, json: isJson ? parseExactJson(text) : undefined } };
  } catch (error) {
    return { kind: "no_answer", reason: "the answer was cut off", cause: error };
  }
}

/** The body as text, or null once it is larger than the bound. */
async function readBounded(body: Readable, maxBytes: number): Promise<string | null> {
  const decoder = new TextDecoder();
  let text = "";
  let size = 0;
  for await (const chunk of body as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > maxBytes) {
      body.destroy();
      return null;
    }
    text += decoder.decode(chunk, { stream: true });
  }
  return text + decoder.decode();
}

/** `Retry-After` in milliseconds from now (RFC 9110, 10.2.3: seconds or a date), or null. */
export function retryAfterMs(header: string | null, now: number): number | null {
  if (header === null) return null;
  if (/^\d{1,9}(?:\.\d+)?$/.test(header.trim())) return Math.ceil(Number(header) * 1000);
  const at = Date.parse(header);
  return Number.isFinite(at) ? Math.max(0, at - now) : null;
}

function failureOfStatus(status: number): VendorFailure {
  if (status === 401 || status === 403) return "denied";
  if (status === 404) return "missing";
  if (status === 429) return "throttled";
  return status >= 500 || status === 408 ? "unreachable" : "refused";
}
