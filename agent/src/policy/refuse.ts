import { randomUUID } from "node:crypto";
import type { ApiFamily } from "../observe/intercept/endpoint.ts";

/** What the policy says of a call before it goes on. */
export type Verdict =
  | { readonly kind: "allow" }
  | {
      readonly kind: "refuse";
      /** One line for the person: the rule, what to do, whom to ask. Holds no amounts. */
      readonly message: string;
      /** UTC epoch milliseconds at which a spent budget opens again; null for every other rule. */
      readonly resetsAt: number | null;
    };

export type Refused = Extract<Verdict, { kind: "refuse" }>;

/** An HTTP answer in the shape of the API that was called. */
export interface RefusalAnswer {
  readonly status: number;
  /** Names in lower case. */
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly body: string;
}

export interface RefusedCall {
  readonly family: ApiFamily;
  readonly tool: string;
  /** A Gemini stream without `alt=sse`, whose errors stand in an array too. */
  readonly isArray: boolean;
}

/**
 * Says no so that the tool takes it as final and shows the words. That is 403 with `x-should-retry: false`, except for
 * Codex, which repeats a 403 five times: a rule is a 400 there, and a spent budget the limit message that it knows.
 * Never 429 to Gemini CLI, which then changes the model.
 */
export function refusalAnswer(
  { family, tool, isArray }: RefusedCall,
  { message, resetsAt }: Refused,
): RefusalAnswer {
  const isCodex = tool === "codex-cli" && family === "openai";
  const requestId = `req_${randomUUID().replaceAll("-", "")}`;
  const common: RefusalAnswer["headers"] = [
    ["content-type", "application/json"],
    ["x-should-retry", "false"],
    ["cache-control", "no-store"],
  ];
  const answer = (status: number, body: unknown, ...headers: RefusalAnswer["headers"]): RefusalAnswer => ({
    status,
    headers: [...common, ...headers],
    body: JSON.stringify(body),
  });
  switch (family) {
    case "anthropic": {
      const error = { type: "permission_error", message };
      return answer(403, { type: "error", error, request_id: requestId }, ["request-id", requestId]);
    }
    case "openai": {
      const header = ["x-request-id", requestId] as const;
      if (isCodex && resetsAt !== null) {
        const error = { type: "usage_limit_reached", message, resets_at: Math.ceil(resetsAt / 1000) };
        return answer(429, { error }, header);
      }
      const error = { message, type: "invalid_request_error", param: null, code: "flowstate_policy" };
      return answer(isCodex ? 400 : 403, { error }, header);
    }
    case "gemini": {
      const reason = {
        "@type": "type.googleapis.com/google.rpc.ErrorInfo",
        reason: "FLOWSTATE_POLICY",
        domain: "flowstate",
      };
      const error = { error: { code: 403, message, status: "PERMISSION_DENIED", details: [reason] } };
      return answer(403, isArray ? [error] : error);
    }
    case "bedrock":
      return answer(
        403,
        { message },
        ["x-amzn-errortype", "AccessDeniedException"],
        ["x-amzn-requestid", requestId],
      );
    case "cohere":
      return answer(403, { message });
    case "ollama":
      return answer(403, { error: message });
  }
}

/** The whole answer on an HTTP/1.1 connection, which ends with it. */
export function refusalBytes({ status, headers, body }: RefusalAnswer): Buffer {
  const lines = [
    `HTTP/1.1 ${status} Refused by policy`,
    ...headers.map(([name, value]) => `${name}: ${value}`),
    `content-length: ${Buffer.byteLength(body)}`,
    "connection: close",
  ];
  return Buffer.from(`${lines.join("\r\n")}\r\n\r\n${body}`);
}
