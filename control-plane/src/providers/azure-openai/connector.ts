import { dateOf, hourMs } from "@flowstate/shared/time";
import { previousMonthDays } from "../days.ts";
import type { ConnectContext, Connection, Connector, DayWindow, Pulled } from "../connector.ts";
import { credential, credentialField, optionalCredential } from "../form.ts";
import { kindLabels } from "../kinds.ts";
import { createAzure } from "./client.ts";
import { probeCosts, pullCosts } from "./costs.ts";

/** Azure OpenAI and Foundry models by resource and meter, from Azure Cost Management (Query, 2025-03-01). */
export const azureOpenai: Connector = {
  kind: "AZURE_OPENAI",
  label: kindLabels.AZURE_OPENAI,
  fields: [
    credentialField({
      name: "tenantId",
      label: "tenant id",
      secret: false,
      hint: "directory (tenant) id of the app registration",
      pattern: "[\\w.-]{1,100}",
    }),
    credentialField({
      name: "clientId",
      label: "client id",
      secret: false,
      hint: "application (client) id; it needs the role Cost Management Reader on the scope",
      pattern: "[\\w-]{1,100}",
    }),
    credentialField({ name: "clientSecret", label: "client secret", hint: "the secret's value, not its id" }),
    credentialField({
      name: "scope",
      label: "scope",
      secret: false,
      hint: "subscriptions/ID or subscriptions/ID/resourceGroups/NAME",
      pattern: "subscriptions/[\\w-]{1,64}(?:/resourceGroups/[\\w.()-]{1,90})?",
    }),
    credentialField({
      name: "serviceNames",
      label: "service names",
      secret: false,
      required: false,
      hint: "names on the Azure bill that are AI, separated by commas; those that look like it where left out",
    }),
  ],
  schedule: { everyMs: 6 * hourMs, rereadDays: 7, backfillDays: 180, windowDays: 31 },
  capabilities: {
    money: "billed",
    person: "none",
    notes: [
      "Azure is one to two days behind and names resources, never persons.",
      "Claude on Foundry is billed through the marketplace: name its service to have it.",
    ],
  },
  connect,
};

function connect({ credentials, clock, open }: ConnectContext): Connection {
  const reveal = (name: string): string => credential(credentials, name).reveal();
  const names = optionalCredential(credentials, "serviceNames")?.reveal() ?? "";
  const question = {
    scope: reveal("scope"),
    serviceNames: names
      .split(",")
      .map((name) => name.trim())
      .filter((name) => name !== ""),
  };
  const azure = createAzure(
    {
      tenantId: reveal("tenantId"),
      clientId: reveal("clientId"),
      secret: credential(credentials, "clientSecret"),
    },
    open,
    clock,
  );
  return {
    rereadDays: Math.max(azureOpenai.schedule.rereadDays, previousMonthDays(dateOf(clock.now()))),
    async probe(signal) {
      await probeCosts(azure, question.scope, signal);
      return { account: question.scope };
    },
    pull: (window: DayWindow, signal: AbortSignal): AsyncIterable<Pulled> =>
      pullCosts(azure, question, window, signal),
  };
}
