import { dayMs } from "@flowstate/shared/time";
import { z } from "zod";
import type { Connection, Connector, ConnectContext, DayWindow, Pulled } from "../connector.ts";
import { field } from "../exact-json.ts";
import { credential, credentialField, optionalCredential } from "../form.ts";
import type { VendorHttp } from "../http.ts";
import { kindLabels } from "../kinds.ts";
import type { Secret } from "@flowstate/shared/secret";
import { pullClaudeCode } from "./claude-code.ts";
import { pullCosts } from "./costs.ts";
import { readDirectory } from "./directory.ts";
import { pullPeopleCosts } from "./people-costs.ts";
import { pullMessageUsage } from "./usage.ts";

/**
 * Anthropic: the Claude API with an admin key of the Console, and Claude Team or Enterprise seats with a second key,
 * because the first one does not see them (platform.claude.com, Admin API and Analytics API).
 */
export const anthropic: Connector = {
  kind: "ANTHROPIC",
  label: kindLabels.ANTHROPIC,
  fields: [
    credentialField({
      name: "adminKey",
      label: "admin key",
      hint: "an admin key from the Claude Console that starts with sk-ant-admin",
      pattern: "sk-ant-admin[\\w-]{4,}",
    }),
    credentialField({
      name: "analyticsKey",
      label: "analytics key",
      required: false,
      hint: "for Claude Team and Enterprise: a key with the scope read:analytics from claude.ai, starting with sk-ant-api",
      pattern: "sk-ant-api[\\w-]{4,}",
    }),
  ],
  schedule: { everyMs: dayMs / 8, rereadDays: 3, backfillDays: 180, windowDays: 31 },
  capabilities: {
    money: "billed",
    person: "usage",
    notes: [
      "The Console states cost by workspace, not by person; shares follow each key's usage.",
      "Claude Team and Enterprise seats need the analytics key; the seat fee itself is in no API.",
    ],
  },
  connect,
};

function connect({ credentials, open }: ConnectContext): Connection {
  const adminKey = credential(credentials, "adminKey");
  const analyticsKey = optionalCredential(credentials, "analyticsKey");
  const secrets = analyticsKey === null ? [adminKey] : [adminKey, analyticsKey];
  const client = (key: Secret): VendorHttp =>
    open({
      vendor: "Anthropic",
      address: "https://api.anthropic.com",
      headers: { "x-api-key": key.reveal(), "anthropic-version": "2023-06-01" },
      secrets,
      perMinute: 50,
    });
  const console = client(adminKey);
  const analytics = analyticsKey === null ? null : client(analyticsKey);
  return {
    // People's costs become final only after about thirty days.
    ...(analytics === null ? {} : { rereadDays: 30 }),
    async probe(signal) {
      const { id } = await console.json({ path: "/v1/organizations/me", schema: organization }, signal);
      return { account: id };
    },
    pull: (window, signal) => pull(console, analytics, window, signal),
  };
}

const organization = z.object({ id: field.text });

async function* pull(
  console: VendorHttp,
  analytics: VendorHttp | null,
  window: DayWindow,
  signal: AbortSignal,
): AsyncGenerator<Pulled> {
  yield* readDirectory(console, signal);
  yield* pullCosts(console, window, signal);
  yield* pullMessageUsage(console, window, signal);
  yield* pullClaudeCode(console, window, signal);
  if (analytics !== null) yield* pullPeopleCosts(analytics, window, signal);
}
