import { dateOf, hourMs } from "@flowstate/shared/time";
import { previousMonthDays } from "../days.ts";
import type { ConnectContext, Connection, Connector, DayWindow, Pulled } from "../connector.ts";
import { credential, credentialField, optionalCredential } from "../form.ts";
import { kindLabels } from "../kinds.ts";
import { createCostExplorer } from "./client.ts";
import { listServices, pullCosts } from "./costs.ts";

/** Bedrock on the AWS bill, from Cost Explorer (`ce`, 2017-10-25). */
export const awsBedrock: Connector = {
  kind: "AWS_BEDROCK",
  label: kindLabels.AWS_BEDROCK,
  fields: [
    credentialField({
      name: "accessKeyId",
      label: "access key id",
      secret: false,
      hint: "of a user or role of the payer account that may ce:GetCostAndUsage and ce:GetDimensionValues",
      pattern: "A[A-Z0-9]{10,127}",
    }),
    credentialField({
      name: "secretAccessKey",
      label: "secret access key",
      hint: "shown once, when the access key is made",
      pattern: "[\\w/+=-]{16,128}",
    }),
    credentialField({
      name: "sessionToken",
      label: "session token",
      required: false,
      hint: "with temporary credentials only; they end within hours",
    }),
  ],
  // AWS charges about a cent for a question, and is a day behind whatever is asked.
  schedule: { everyMs: 12 * hourMs, rereadDays: 7, backfillDays: 180, windowDays: 31 },
  capabilities: {
    money: "billed",
    person: "none",
    notes: [
      "AWS is one to two days behind and names accounts, never persons.",
      "Models of other vendors are marketplace services whose names hold Bedrock; they are included.",
      "Every question costs about one US cent: a few for each pull.",
    ],
  },
  connect,
};

function connect({ credentials, clock, open }: ConnectContext): Connection {
  const explorer = createCostExplorer(
    {
      accessKeyId: credential(credentials, "accessKeyId").reveal(),
      secretAccessKey: credential(credentials, "secretAccessKey"),
      sessionToken: optionalCredential(credentials, "sessionToken"),
    },
    open,
    clock,
  );
  return {
    rereadDays: Math.max(awsBedrock.schedule.rereadDays, previousMonthDays(dateOf(clock.now()))),
    async probe(signal) {
      const today = dateOf(clock.now());
      await listServices(explorer, { from: today, until: today }, signal);
      return { account: null };
    },
    pull: (window: DayWindow, signal: AbortSignal): AsyncIterable<Pulled> =>
      pullCosts(explorer, window, signal),
  };
}
