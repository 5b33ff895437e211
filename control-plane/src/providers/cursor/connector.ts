import { hourMs } from "@flowstate/shared/time";
import { z } from "zod";
import type { ConnectContext, Connection, Connector, DayWindow, Pulled } from "../connector.ts";
import { field } from "../exact-json.ts";
import { credential, credentialField } from "../form.ts";
import type { VendorHttp } from "../http.ts";
import { kindLabels } from "../kinds.ts";
import { seatLines, seatPriceField } from "../seats.ts";
import { pullEvents, vendor } from "./events.ts";

/** Cursor's Team Admin API (cursor.com/docs/account/teams/admin-api): every request with its price and its person. */
export const cursor: Connector = {
  kind: "CURSOR",
  label: kindLabels.CURSOR,
  fields: [
    credentialField({
      name: "apiKey",
      label: "team API key",
      hint: "a team API key from Settings → Team → API Keys; read-only is enough",
      pattern: "(?:crsr|key)_[\\w-]{8,}",
    }),
    seatPriceField,
  ],
  schedule: { everyMs: hourMs, rereadDays: 2, backfillDays: 90, windowDays: 7 },
  capabilities: {
    money: "billed",
    person: "row",
    notes: [
      "Seat fees are in no API; give the seat price of your contract to have them as recurring purchases.",
      "Cursor refreshes its figures once an hour.",
    ],
  },
  connect,
};

function connect({ credentials, clock, open }: ConnectContext): Connection {
  const key = credential(credentials, "apiKey");
  const basic = Buffer.from(`${key.reveal()}:`).toString("base64");
  const http = open({
    vendor,
    address: "https://api.cursor.com",
    headers: { authorization: `Basic ${basic}` },
    secrets: [key],
    perMinute: 20,
  });
  return {
    async probe(signal) {
      await readMembers(http, signal);
      return { account: null };
    },
    async *pull(window: DayWindow, signal: AbortSignal): AsyncGenerator<Pulled> {
      const members = await readMembers(http, signal);
      for (const { email, name } of members) {
        yield {
          type: "identity",
          identity: { provider: "cursor", kind: "email", value: email, email, label: name },
        };
      }
      const seats = members
        .filter(({ hasSeat }) => hasSeat)
        .map(({ email, role }) => ({ email, plan: role }));
      yield* seatLines({ vendor, service: "cursor", seats }, credentials, window, clock.now());
      yield* pullEvents(http, window, clock.now(), signal);
    },
  };
}

const memberList = z.object({
  teamMembers: z.array(
    z.object({
      email: field.text,
      name: field.text.nullish(),
      role: field.text,
      isRemoved: z.boolean().nullish(),
    }),
  ),
});

interface Member {
  readonly email: string;
  readonly name: string | null;
  readonly role: string;
  readonly hasSeat: boolean;
}

async function readMembers(http: VendorHttp, signal: AbortSignal): Promise<readonly Member[]> {
  const { teamMembers } = await http.json({ path: "/teams/members", schema: memberList }, signal);
  return teamMembers.map(({ email, name, role, isRemoved }) => ({
    email: email.trim().toLowerCase(),
    name: name ?? null,
    role,
    hasSeat: isRemoved !== true,
  }));
}
