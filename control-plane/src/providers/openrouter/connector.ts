import { z } from "zod";
import { addDays, dateOf, hourMs } from "@flowstate/shared/time";
import type { ConnectContext, Connection, Connector, DayWindow, Pulled } from "../connector.ts";
import { field } from "../exact-json.ts";
import { credential, credentialField } from "../form.ts";
import { kindLabels } from "../kinds.ts";
import { pullActivity } from "./activity.ts";
import { readDirectory } from "./directory.ts";

/** OpenRouter's activity by day, person, model and endpoint (openrouter.ai/docs/api, management keys). */
export const openrouter: Connector = {
  kind: "OPENROUTER",
  label: kindLabels.OPENROUTER,
  fields: [
    credentialField({
      name: "managementKey",
      label: "management key",
      hint: "a management key from openrouter.ai/settings/management-keys; inference keys do not work",
      pattern: "sk-or-[\\w-]{8,}",
    }),
  ],
  schedule: { everyMs: 6 * hourMs, rereadDays: 3, backfillDays: 30, windowDays: 31 },
  capabilities: {
    money: "billed",
    person: "row",
    notes: [
      "OpenRouter keeps 30 days of activity: a month that was not pulled is lost.",
      "What runs on keys of your own is on those vendors' bills and left out here.",
      "The fee on credit purchases is in no API.",
    ],
  },
  connect,
};

function connect({ credentials, clock, open }: ConnectContext): Connection {
  const key = credential(credentials, "managementKey");
  const http = open({
    vendor: "OpenRouter",
    address: "https://openrouter.ai/api/v1",
    headers: { authorization: `Bearer ${key.reveal()}` },
    secrets: [key],
    perMinute: 60,
  });
  return {
    async probe(signal) {
      const schema = z.object({ data: z.object({ total_usage: field.decimal }) });
      await http.json({ path: "/credits", schema }, signal);
      return { account: null };
    },
    async *pull(window: DayWindow, signal: AbortSignal): AsyncGenerator<Pulled> {
      const today = dateOf(clock.now());
      const { members, identities } = await readDirectory(http, signal);
      yield* identities;
      yield* pullActivity(
        http,
        { members, window, from: addDays(today, -30), until: addDays(today, -1) },
        signal,
      );
    },
  };
}
