import { z } from "zod";
import type { DayWindow, Pulled, VendorUsage } from "../connector.ts";
import { field } from "../exact-json.ts";
import type { VendorHttp } from "../http.ts";
import { readBuckets } from "./reports.ts";

const usage = z.object({
  /** All of the prompt, what came from the cache and what was written to it included. */
  input_tokens: field.count,
  input_cached_tokens: field.count.nullish(),
  input_cache_write_tokens: field.count.nullish(),
  output_tokens: field.count.nullish(),
  num_model_requests: field.count,
  project_id: field.text.nullish(),
  user_id: field.text.nullish(),
  api_key_id: field.text.nullish(),
  model: field.text.nullish(),
});

/** The reports that count tokens. What else is billed (images, storage, searches) has no tokens to share it out by. */
const reports = ["completions", "embeddings"] as const;

/** Tokens by project, person, key and model: how the cost of a project or a shared key is shared out. */
export async function* pullUsage(
  http: VendorHttp,
  window: DayWindow,
  signal: AbortSignal,
): AsyncGenerator<Pulled> {
  for (const feed of reports) {
    const report = {
      path: `/organization/usage/${feed}`,
      groupBy: ["project_id", "user_id", "api_key_id", "model"],
      result: usage,
    };
    for await (const { day, result } of readBuckets(http, report, window, signal)) {
      const { project_id: project, user_id: user, api_key_id: key, model } = result;
      const cacheRead = result.input_cached_tokens ?? 0n;
      const cacheWrite = result.input_cache_write_tokens ?? 0n;
      const uncached = result.input_tokens - cacheRead - cacheWrite;
      yield {
        type: "usage",
        usage: {
          feed,
          key: [day, project ?? "", user ?? "", key ?? "", model ?? ""].join("|"),
          service: "openai-api",
          day,
          account: project ?? null,
          apiKey: key ?? null,
          identity: whoseIs(result),
          model: model ?? null,
          tokens: {
            input: uncached < 0n ? 0n : uncached,
            output: result.output_tokens ?? null,
            cacheRead,
            cacheWrite,
          },
          requests: result.num_model_requests,
        },
      };
    }
    yield { type: "covered", feed };
  }
}

function whoseIs({ user_id, api_key_id, project_id }: z.output<typeof usage>): VendorUsage["identity"] {
  if (user_id != null) return { kind: "vendor_user", value: user_id };
  if (api_key_id != null) return { kind: "api_key", value: api_key_id };
  return project_id == null ? { kind: "org", value: null } : { kind: "project", value: project_id };
}
