import { z } from "zod";
import { stateAmount } from "../amount.ts";
import { billLine, type BillLine, type DayWindow, type Pulled } from "../connector.ts";
import { daysOf } from "../days.ts";
import { field, required } from "../exact-json.ts";
import type { VendorHttp } from "../http.ts";
import { readRecords, vendor } from "./reports.ts";

const path = "/v1/organizations/usage_report/claude_code";
const feed = "claude-code";

const record = z.object({
  actor: z.discriminatedUnion("type", [
    z.object({ type: z.literal("user_actor"), email_address: field.text }),
    z.object({ type: z.literal("api_actor"), api_key_name: field.text }),
  ]),
  customer_type: field.text.nullish(),
  subscription_type: field.text.nullish(),
  terminal_type: field.text.nullish(),
  is_remote: z.boolean().nullish(),
  model_breakdown: z.array(
    z.object({
      model: field.text,
      tokens: z.object({
        input: field.count,
        output: field.count,
        cache_read: field.count,
        cache_creation: field.count,
      }),
      /** Cents as a number. */
      estimated_cost: z.object({ amount: field.decimal, currency: field.text }),
    }),
  ),
});

/**
 * Claude Code by person and model: the vendor's estimate, beside the bill and never added to it. One person has a
 * record for each terminal, local and remote.
 */
export async function* pullClaudeCode(
  http: VendorHttp,
  window: DayWindow,
  signal: AbortSignal,
): AsyncGenerator<Pulled> {
  for (const day of daysOf(window)) {
    const report = { path, query: { starting_at: day, limit: 1000 }, record };
    for await (const { actor, model_breakdown, ...rest } of readRecords(http, report, signal)) {
      const identity: BillLine["identity"] =
        actor.type === "user_actor"
          ? { kind: "email", value: actor.email_address }
          : { kind: "api_key", value: actor.api_key_name };
      const where = [rest.customer_type, rest.terminal_type, rest.is_remote === true ? "remote" : "local"];
      for (const used of model_breakdown) {
        const { amount, currency } = used.estimated_cost;
        yield billLine({
          feed,
          key: [day, identity.value, ...where, used.model].join("|"),
          grade: "estimated",
          service: "claude-code",
          identity,
          day,
          description: `Claude Code, ${used.model} (${rest.subscription_type ?? rest.customer_type ?? "api"})`,
          amount: required(stateAmount(amount, currency, "hundredth"), vendor, path),
          model: used.model,
          tokens: {
            input: used.tokens.input,
            output: used.tokens.output,
            cacheRead: used.tokens.cache_read,
            cacheWrite: used.tokens.cache_creation,
          },
          record: { ...rest, ...used },
        });
      }
    }
  }
  yield { type: "covered", feed };
}
