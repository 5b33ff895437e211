import { parseDecimal } from "@flowstate/shared/money";
import { dateOf, periodOf, type UsageDate } from "@flowstate/shared/time";
import { stateAmount } from "./amount.ts";
import {
  billLine,
  type CredentialField,
  type Credentials,
  type DayWindow,
  type Pulled,
} from "./connector.ts";
import { required } from "./exact-json.ts";
import { credentialField, optionalCredential } from "./form.ts";

/** Seat fees stand in no vendor's API: what a seat costs is in the contract, and who has one in the directory. */
export const seatPriceField: CredentialField = credentialField({
  name: "seatPriceUsd",
  label: "seat price",
  secret: false,
  required: false,
  hint: "what a seat costs a month by your contract, in US dollars such as 40",
  pattern: "\\d{1,6}(?:\\.\\d{1,6})?",
});

export interface Seat {
  readonly email: string;
  readonly plan: string;
}

/** One recurring purchase a seat for the month that is now; nothing without a price, or where today was not asked for. */
export function* seatLines(
  {
    vendor,
    service,
    seats,
  }: { readonly vendor: string; readonly service: string; readonly seats: readonly Seat[] },
  credentials: Credentials,
  window: DayWindow,
  now: number,
): Generator<Pulled> {
  const price = optionalCredential(credentials, seatPriceField.name)?.reveal() ?? null;
  const today = dateOf(now);
  if (price === null || !parseDecimal(price, 9).ok || today < window.from || window.until < today) return;
  const month = periodOf(now);
  for (const { email, plan } of seats) {
    yield billLine({
      feed: "seats",
      key: `${month}|${email}`,
      chargeCategory: "Purchase",
      chargeFrequency: "Recurring",
      service,
      identity: { kind: "email", value: email },
      day: `${month}-01` as UsageDate,
      description: `${vendor} seat (${plan}), ${month}, at the contract's price`,
      amount: required(stateAmount(price, "USD"), vendor, "seat price"),
      sku: "seat",
      quantity: { value: "1", unit: "seat" },
      record: { email, plan, price },
    });
  }
}
