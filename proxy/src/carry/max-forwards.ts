import { withoutField } from "./fields.ts";

/** What `Max-Forwards` asks of this hop (RFC 9110 7.6.2). */
export type HopStep =
  | { readonly kind: "pass"; readonly fields: [string, string][] }
  /** This hop is the last: it answers by itself. */
  | { readonly kind: "answer"; readonly fields: [string, string][]; readonly body: string }
  | { readonly kind: "malformed" };

export interface HopRequest {
  readonly method: string;
  readonly target: string;
  readonly httpVersion: string;
  readonly fields: [string, string][];
}

const secret = new Set(["cookie", "authorization", "proxy-authorization"]);
const forwarded = "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS, TRACE, CONNECT";

/** Counts `Max-Forwards` of TRACE and OPTIONS down, and answers at 0; TRACE shows the head that arrived, without secrets. */
export function takeHop({ method, target, httpVersion, fields }: HopRequest): HopStep {
  const [, value] = fields.find(([name]) => name.toLowerCase() === "max-forwards") ?? [];
  if (value === undefined || (method !== "TRACE" && method !== "OPTIONS")) return { kind: "pass", fields };
  if (!/^\d{1,9}$/.test(value)) return { kind: "malformed" };
  const left = Number(value) - 1;
  if (left >= 0) {
    return {
      kind: "pass",
      fields: [...withoutField(fields, "max-forwards"), ["Max-Forwards", String(left)]],
    };
  }
  if (method === "OPTIONS") return { kind: "answer", fields: [["Allow", forwarded]], body: "" };
  const shown = fields.filter(([name]) => !secret.has(name.toLowerCase()));
  const lines = shown.map(([name, one]) => `${name}: ${one}\r\n`).join("");
  return {
    kind: "answer",
    fields: [["Content-Type", "message/http"]],
    body: `${method} ${target} HTTP/${httpVersion}\r\n${lines}\r\n`,
  };
}
