import { fields } from "../files/json.ts";
import type { Endpoint } from "./endpoint.ts";
import type { Reading } from "./usage/reading.ts";

export interface EndedAnswer {
  readonly endpoint: Endpoint;
  readonly status: number;
  /** False where the answer broke off. */
  readonly isWhole: boolean;
  readonly reading: Reading;
  /** The request body as JSON; null where it was not read. */
  readonly body: unknown;
}

/**
 * Whether an answer gave no usage although its API always does: then the API has changed and this agent does not read it
 * any more. Null where that cannot be said: of failures, of what broke off, and where usage need not be there.
 */
export function isBlank({ endpoint, status, isWhole, reading, body }: EndedAnswer): boolean | null {
  if (status < 200 || status > 299 || !isWhole || reading.failed) return null;
  if (reading.tokens.input !== null || reading.tokens.output !== null) return false;
  return mayLackUsage(endpoint, body) ? null : true;
}

function mayLackUsage({ usage }: Endpoint, body: unknown): boolean {
  const { stream, stream_options: options, background } = fields(body);
  switch (usage) {
    case "always":
      // Responses that are made in the background have none until they are fetched.
      return background === true;
    case "asked":
      return body === null || (stream === true && fields(options)["include_usage"] !== true);
    case "seldom":
      return true;
    default:
      return usage satisfies never;
  }
}
