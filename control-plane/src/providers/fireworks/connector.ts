import { z } from "zod";
import { addDays, hourMs, parseUsageDate } from "@flowstate/shared/time";
import { formatDecimal, stateAmount } from "../amount.ts";
import {
  billLine,
  type ConnectContext,
  type Connection,
  type Connector,
  type DayWindow,
  type Pulled,
} from "../connector.ts";
import { field, required } from "../exact-json.ts";
import { vendorError } from "../failure.ts";
import { credential, credentialField } from "../form.ts";
import type { VendorHttp } from "../http.ts";
import { kindLabels } from "../kinds.ts";
import { readPages } from "../pages.ts";

const vendor = "Fireworks";

/** Fireworks' rated cost of serverless inference by day and person (docs.fireworks.ai, query-usage-costs). */
export const fireworks: Connector = {
  kind: "FIREWORKS",
  label: kindLabels.FIREWORKS,
  fields: [
    credentialField({
      name: "apiKey",
      label: "API key",
      hint: "an API key of an account administrator",
      pattern: "fw_[\\w-]{8,}",
    }),
  ],
  schedule: { everyMs: 12 * hourMs, rereadDays: 5, backfillDays: 90, windowDays: 31 },
  capabilities: {
    money: "billed",
    person: "row",
    notes: [
      "Costs are a day or more behind.",
      "Serverless inference alone: dedicated GPUs and training are billed apart; import their invoice.",
    ],
  },
  connect,
};

function connect({ credentials, open }: ConnectContext): Connection {
  const key = credential(credentials, "apiKey");
  const http = open({
    vendor,
    address: "https://api.fireworks.ai",
    headers: { authorization: `Bearer ${key.reveal()}` },
    secrets: [key],
    perMinute: 30,
  });
  return {
    probe: async (signal) => ({ account: await readAccount(http, signal) }),
    async *pull(window: DayWindow, signal: AbortSignal): AsyncGenerator<Pulled> {
      const account = await readAccount(http, signal);
      yield* readUsers(http, account, signal);
      yield* pullCosts(http, account, window, signal);
    },
  };
}

/** The account's name as paths begin with it: `accounts/acme`. */
async function readAccount(http: VendorHttp, signal: AbortSignal): Promise<string> {
  const schema = z.object({ accounts: z.array(z.object({ name: field.text.regex(/^accounts\/[\w-]+$/) })) });
  const { accounts } = await http.json({ path: "/v1/accounts", schema }, signal);
  const [first] = accounts;
  if (first === undefined) throw vendorError("denied", `${vendor}: the key belongs to no account`);
  return first.name;
}

const userPage = z.object({
  users: z
    .array(z.object({ name: field.text, displayName: field.text.nullish(), email: field.text.nullish() }))
    .nullish(),
  nextPageToken: field.text.nullish(),
});

async function* readUsers(http: VendorHttp, account: string, signal: AbortSignal): AsyncGenerator<Pulled> {
  const path = `/v1/${account}/users`;
  const pages = readPages(vendor, async (pageToken: string | null) => {
    const query = { pageSize: 200, pageToken };
    const { users, nextPageToken } = await http.json({ path, query, schema: userPage }, signal);
    return { items: users ?? [], next: tokenOf(nextPageToken) };
  });
  for await (const { name, displayName, email } of pages) {
    const value = name.split("/").at(-1) ?? name;
    const label = displayName ?? email ?? value;
    yield {
      type: "identity",
      identity: { provider: "fireworks", kind: "vendor_user", value, email: email ?? null, label },
    };
  }
}

const feed = "costs";

const row = z.object({
  dimensions: z.object({
    startTime: field.text,
    userId: field.text.nullish(),
    /** Spelt so in the vendor's warehouse export. */
    user_id: field.text.nullish(),
  }),
  /** google.type.Money; a part that is zero is left out. */
  subtotal: z.object({
    currencyCode: field.text,
    units: field.text.regex(/^-?\d{1,18}$/, "expected a whole number").default("0"),
    nanos: field.text.regex(/^-?\d{1,9}$/, "expected billionths").default("0"),
  }),
});

const costPage = z.object({ rows: z.array(row).nullish(), nextPageToken: field.text.nullish() });

async function* pullCosts(
  http: VendorHttp,
  account: string,
  window: DayWindow,
  signal: AbortSignal,
): AsyncGenerator<Pulled> {
  const path = `/v1/${account}/usageCosts:query`;
  const question = {
    startTime: `${window.from}T00:00:00Z`,
    endTime: `${addDays(window.until, 1)}T00:00:00Z`,
    scope: "ACCOUNT",
    groupBy: ["DAY", "USER"],
    pageSize: 1000,
  };
  const pages = readPages(vendor, async (pageToken: string | null) => {
    const json = pageToken === null ? question : { ...question, pageToken };
    const { rows, nextPageToken } = await http.json({ path, json, schema: costPage }, signal);
    return { items: rows ?? [], next: tokenOf(nextPageToken) };
  });
  for await (const given of pages) {
    const { dimensions, subtotal } = given;
    const day = required(parseUsageDate(dimensions.startTime.slice(0, 10)), vendor, path);
    const user = tokenOf(dimensions.userId ?? dimensions.user_id);
    const amount = formatDecimal(BigInt(subtotal.units) * 1_000_000_000n + BigInt(subtotal.nanos), 9);
    yield billLine({
      feed,
      key: `${day}|${user ?? ""}`,
      service: "fireworks",
      account: account.slice("accounts/".length),
      identity: user === null ? { kind: "org", value: null } : { kind: "vendor_user", value: user },
      day,
      description: "serverless inference",
      amount: required(stateAmount(amount, subtotal.currencyCode), vendor, path),
      record: given,
    });
  }
  yield { type: "covered", feed };
}

/** An empty text means that there is none. */
function tokenOf(text: string | null | undefined): string | null {
  return text == null || text === "" ? null : text;
}
