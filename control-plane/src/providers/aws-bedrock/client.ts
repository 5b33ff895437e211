import { z } from "zod";
import { backoffMs, type Clock } from "@flowstate/shared/clock";
import type { ConnectContext } from "../connector.ts";
import { field, readAnswer } from "../exact-json.ts";
import { hideCredentials, vendorError, vendorWords, type VendorFailure } from "../failure.ts";
import { signRequest, type AwsCredentials } from "./sign.ts";

export const vendor = "AWS Cost Explorer";

/** Cost Explorer's one endpoint, for accounts of every region. */
export interface CostExplorer {
  call<Schema extends z.ZodType>(
    operation: "GetCostAndUsage" | "GetDimensionValues",
    input: unknown,
    schema: Schema,
    signal: AbortSignal,
  ): Promise<z.output<Schema>>;
}

const contentType = "application/x-amz-json-1.1";
const maxAttempts = 5;

export function createCostExplorer(
  credentials: AwsCredentials,
  open: ConnectContext["open"],
  clock: Clock,
): CostExplorer {
  const { secretAccessKey, sessionToken } = credentials;
  const secrets = sessionToken === null ? [secretAccessKey] : [secretAccessKey, sessionToken];
  const http = open({
    vendor,
    address: "https://ce.us-east-1.amazonaws.com/",
    secrets,
    perMinute: 60,
    authorise: ({ method, url, body, at }) => {
      const target = `AWSInsightsIndexService.${operationOf(body)}`;
      const headers = { "content-type": contentType, "x-amz-target": target };
      const request = { method, url, headers, body: body ?? "", at };
      return { ...headers, ...signRequest(request, credentials, { region: "us-east-1", service: "ce" }) };
    },
  });
  return {
    async call(operation, input, schema, signal) {
      for (let attempt = 0; ; attempt += 1) {
        const { status, text } = await http.send({ path: "/", json: input, expect: [200, 400] }, signal);
        if (status === 200) return readAnswer(text, schema, vendor, operation);
        const { kind, message } = readError(text);
        const isThrottled = /Throttl|LimitExceeded/.test(kind);
        if (isThrottled && attempt + 1 < maxAttempts) {
          await clock.sleep(backoffMs(attempt, { baseMs: 1000, maxMs: 30_000 }), signal);
          continue;
        }
        const words = hideCredentials(`${kind}: ${message}`, secrets);
        throw vendorError(failureOf(kind), `${vendor}: ${words} (${operation})`, { status });
      }
    },
  };
}

/** What was asked stands in the body: only one of the two questions names a dimension. */
function operationOf(body: string | null): "GetCostAndUsage" | "GetDimensionValues" {
  const input: unknown = JSON.parse(body ?? "{}");
  return typeof input === "object" && input !== null && "Dimension" in input
    ? "GetDimensionValues"
    : "GetCostAndUsage";
}

const errorBody = z.object({ __type: field.text });

/** AWS says what failed in `__type`, with or without a name space before it. */
function readError(text: string): { readonly kind: string; readonly message: string } {
  let body: unknown = null;
  try {
    body = JSON.parse(text);
  } catch {
    // A gateway's page in place of AWS's answer: its words are all there is.
  }
  const parsed = errorBody.safeParse(body);
  const kind = parsed.success ? (parsed.data.__type.split("#").at(-1) ?? "error") : "error";
  return { kind, message: vendorWords(text) ?? "no explanation was given" };
}

function failureOf(kind: string): VendorFailure {
  if (
    /AccessDenied|UnrecognizedClient|InvalidSignature|ExpiredToken|InvalidClientTokenId|OptInRequired/.test(
      kind,
    )
  ) {
    return "denied";
  }
  return /Throttl|LimitExceeded/.test(kind) ? "throttled" : "refused";
}
