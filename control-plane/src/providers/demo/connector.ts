import { hourMs } from "@flowstate/shared/time";
import type { Connector, Credentials, Pulled } from "../connector.ts";
import { daysOf } from "../days.ts";
import { credentialField, optionalCredential } from "../form.ts";
import { kindLabels } from "../kinds.ts";
import { demoBill, demoFeeds, vendorUserOf } from "./bill.ts";
import { demoCompany, machineKey, sharedKey, type DemoCompany } from "./company.ts";

/** Synthetic bills of a company that does not exist, for looking at the product before a real provider is connected. */
export const demo: Connector = {
  kind: "DEMO",
  label: kindLabels.DEMO,
  fields: [
    credentialField({
      name: "seed",
      label: "seed number",
      secret: false,
      required: false,
      hint: "a whole number such as 1; the same one gives the same company",
      pattern: "\\d{1,9}",
    }),
  ],
  schedule: { everyMs: 6 * hourMs, rereadDays: 4, backfillDays: 180, windowDays: 31 },
  capabilities: {
    money: "billed",
    person: "row",
    notes: [
      "The data is made up and labelled so. Do not add it where real bills are reconciled: it stands in the queue.",
    ],
  },
  connect: ({ credentials, clock }) => {
    const company = demoCompany(demoSeedOf(credentials));
    return {
      probe: async () => ({ account: `demo-${company.seed}` }),
      async *pull(window, signal) {
        yield* identitiesOf(company);
        for (const day of daysOf(window)) {
          signal.throwIfAborted();
          yield* demoBill(company, day, clock.now());
        }
        for (const feed of demoFeeds) yield { type: "covered", feed };
      },
    };
  },
};

/** The company that the form asks for. */
export function demoSeedOf(credentials: Credentials): number {
  return Number(optionalCredential(credentials, "seed")?.reveal() ?? 1);
}

function* identitiesOf({ people }: DemoCompany): Generator<Pulled> {
  const name = (
    kind: "vendor_user" | "api_key",
    value: string,
    email: string | null,
    label: string,
  ): Pulled => ({
    type: "identity",
    identity: { provider: "demo", kind, value, email, label },
  });
  for (const person of people) {
    yield name("vendor_user", vendorUserOf(person), person.email, person.name);
    if (person.keyId !== sharedKey) yield name("api_key", person.keyId, person.email, `${person.name}'s key`);
  }
  yield name("api_key", sharedKey, null, "shared key (demo)");
  yield name("api_key", machineKey, null, "nightly evaluation (demo)");
}
