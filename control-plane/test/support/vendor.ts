import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from "node:http";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { loadContract, type Contract, type Operation } from "./contract.ts";

/** A request as the vendor sees it. */
export interface VendorCall {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** What the vendor answers: a value is sent as JSON, text as it is. */
export interface VendorReply {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
}

/** An accident on the way, taken by the next request alone, or by the next one to an address where it names one. */
export type Fault = { readonly at?: RegExp } & (
  | {
      readonly kind: "reply";
      readonly status: number;
      readonly headers?: Readonly<Record<string, string>>;
      readonly body?: unknown;
    }
  /** The connection is cut in the middle of the answer. */
  | { readonly kind: "cut" }
  /** The answer ends early, and looks whole to HTTP. */
  | { readonly kind: "truncated" }
  /** Nothing ever comes. */
  | { readonly kind: "silent" }
);

export interface VendorOptions {
  /** File or files in test/contracts, without the ending; null where there is no description of the vendor. */
  readonly contract: string | readonly string[] | null;
  /** The refusal of a request whose credential is wrong; null where it is right. */
  readonly authorise: (call: VendorCall) => VendorReply | null;
  /** By method and path below the host, e.g. `GET /v1/organizations/me`; `*` stands for one step of the path. */
  readonly routes: Readonly<Record<string, (call: VendorCall) => VendorReply | Promise<VendorReply>>>;
}

/**
 * A vendor's API on loopback that enforces the vendor's own description: a request that does not fit it is answered
 * 400, and so is an answer of ours that does not. Either stands in `violations`, which every test must find empty.
 */
export interface Vendor extends AsyncDisposable {
  readonly url: string;
  readonly calls: readonly VendorCall[];
  readonly violations: readonly string[];
  /** Accidents for the next requests, in order. */
  fail(...faults: readonly Fault[]): void;
  /** From now on every good answer is sent as `change` gives it; null ends that. */
  alter(change: AnswerChange | null): void;
}

export type AnswerChange = (call: VendorCall, body: unknown) => unknown;

export async function startVendor({ contract, authorise, routes }: VendorOptions): Promise<Vendor> {
  const described = (contract === null ? [] : [contract].flat()).map((name) => loadContract(name));
  const calls: VendorCall[] = [];
  const violations: string[] = [];
  const faults: Fault[] = [];
  let alteration: AnswerChange | null = null;

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? "/", "http://vendor");
    const call: VendorCall = {
      method: request.method ?? "GET",
      path: url.pathname,
      query: url.searchParams,
      headers: request.headers,
      body: await text(request),
    };
    calls.push(call);
    const fault = takeFault(call);
    if (fault !== undefined && fault.kind !== "truncated") return misbehave(response, fault);
    const refusal = authorise(call);
    const reply = refusal ?? (await reviewed(call));
    const altered =
      refusal === null && alteration !== null ? { ...reply, body: alteration(call, reply.body) } : reply;
    send(response, altered, fault?.kind === "truncated");
  }

  function takeFault({ path }: VendorCall): Fault | undefined {
    const index = faults.findIndex(({ at }) => at === undefined || at.test(path));
    return index < 0 ? undefined : faults.splice(index, 1)[0];
  }

  async function reviewed(call: VendorCall): Promise<VendorReply> {
    const operation = findOperation(described, call);
    const faultsOfCall = operation?.checkRequest(call.query, call.headers, call.body) ?? [];
    if (faultsOfCall.length > 0) return refuseCall(call, faultsOfCall);
    const route = findRoute(routes, call);
    if (route === null) return refuseCall(call, ["no such address"]);
    const reply = await route(call);
    const faultsOfReply = operation?.checkAnswer(reply.status ?? 200, reply.body) ?? [];
    return faultsOfReply.length > 0 ? refuseCall(call, faultsOfReply) : reply;
  }

  function refuseCall({ method, path }: VendorCall, reasons: readonly string[]): VendorReply {
    violations.push(...reasons.map((reason) => `${method} ${path}: ${reason}`));
    return { status: 400, body: { error: { message: reasons.join("; ") } } };
  }

  const server = createServer((request, response) => {
    answer(request, response).catch((error: unknown) => {
      violations.push(String(error));
      response.destroy();
    });
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    calls,
    violations,
    fail: (...more) => void faults.push(...more),
    alter: (change) => void (alteration = change),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

/** The path as the description has it, which may begin below the server's own prefix such as `/v1`. */
function findOperation(contracts: readonly Contract[], { method, path }: VendorCall): Operation | null {
  const below = path.replace(/^\/[^/]+/, "");
  for (const contract of contracts) {
    const operation = contract.find(method, path) ?? contract.find(method, below);
    if (operation !== null) return operation;
  }
  return null;
}

function findRoute(routes: VendorOptions["routes"], { method, path }: VendorCall) {
  const steps = `${method} ${path}`.split("/");
  const found = Object.entries(routes).find(([pattern]) => {
    const wanted = pattern.split("/");
    return (
      wanted.length === steps.length && wanted.every((step, index) => step === "*" || step === steps[index])
    );
  });
  return found?.[1] ?? null;
}

function send(
  response: ServerResponse,
  { status = 200, headers = {}, body }: VendorReply,
  truncated: boolean,
): void {
  const whole = typeof body === "string" ? body : body === undefined ? "" : JSON.stringify(body);
  const sent = truncated ? whole.slice(0, Math.floor(whole.length / 2)) : whole;
  response.writeHead(status, {
    "content-type": typeof body === "string" ? "text/plain" : "application/json",
    ...headers,
  });
  response.end(sent);
}

function misbehave(response: ServerResponse, fault: Exclude<Fault, { kind: "truncated" }>): void {
  if (fault.kind === "reply") return send(response, fault, false);
  if (fault.kind === "silent") return;
  response.writeHead(200, { "content-type": "application/json", "content-length": "1000" });
  response.write('{"data":[', () => response.destroy());
}

/** One page of a list whose cursor is the place in it, as text. */
export function pageOf<Item>(
  items: readonly Item[],
  cursor: string | null,
  limit: number,
): { readonly items: readonly Item[]; readonly next: string | null } {
  const start = cursor === null ? 0 : Number(cursor.replace("page_", ""));
  const end = start + limit;
  return { items: items.slice(start, end), next: end < items.length ? `page_${end}` : null };
}
