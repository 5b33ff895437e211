import { z } from "zod";
import type { DayWindow, Pulled, VendorUsage } from "../connector.ts";
import { field } from "../exact-json.ts";
import type { VendorHttp } from "../http.ts";
import { readBuckets } from "./reports.ts";

const feed = "messages";

const usage = z.object({
  uncached_input_tokens: field.count,
  cache_read_input_tokens: field.count,
  cache_creation: z.object({
    ephemeral_1h_input_tokens: field.count,
    ephemeral_5m_input_tokens: field.count,
  }),
  output_tokens: field.count,
  workspace_id: field.text.nullish(),
  api_key_id: field.text.nullish(),
  account_id: field.text.nullish(),
  service_account_id: field.text.nullish(),
  model: field.text.nullish(),
});

/** Tokens by workspace, key, account and model: how the cost of a workspace is shared out. */
export async function* pullMessageUsage(
  http: VendorHttp,
  window: DayWindow,
  signal: AbortSignal,
): AsyncGenerator<Pulled> {
  const report = {
    path: "/v1/organizations/usage_report/messages",
    groupBy: ["workspace_id", "api_key_id", "account_id", "service_account_id", "model"],
    result: usage,
  };
  for await (const { day, result } of readBuckets(http, report, window, signal)) {
    const { api_key_id: apiKey, account_id, service_account_id, model, cache_creation: written } = result;
    const workspace = result.workspace_id ?? "default";
    const parts = [day, workspace, apiKey, account_id, service_account_id, model];
    yield {
      type: "usage",
      usage: {
        feed,
        key: parts.map((part) => part ?? "").join("|"),
        service: "anthropic-api",
        day,
        account: workspace,
        apiKey: apiKey ?? null,
        identity: whoseIs(result, workspace),
        model: model ?? null,
        tokens: {
          input: result.uncached_input_tokens,
          output: result.output_tokens,
          cacheRead: result.cache_read_input_tokens,
          cacheWrite: written.ephemeral_1h_input_tokens + written.ephemeral_5m_input_tokens,
        },
        requests: null,
      },
    };
  }
  yield { type: "covered", feed };
}

/** The account is a person who signed in; a key's person stands in the directory; the playground has neither. */
function whoseIs(
  { account_id, service_account_id, api_key_id }: z.output<typeof usage>,
  workspace: string,
): VendorUsage["identity"] {
  if (account_id != null) return { kind: "vendor_user", value: account_id };
  if (api_key_id != null) return { kind: "api_key", value: api_key_id };
  if (service_account_id != null) return { kind: "service_account", value: service_account_id };
  return { kind: "workspace", value: workspace };
}
