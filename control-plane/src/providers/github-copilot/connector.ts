import { z } from "zod";
import { dateOf, hourMs, type UsageDate } from "@flowstate/shared/time";
import type { ConnectContext, Connection, Connector, DayWindow, Pulled } from "../connector.ts";
import { field } from "../exact-json.ts";
import { credential, credentialField, optionalCredential } from "../form.ts";
import { kindLabels } from "../kinds.ts";
import { seatPriceField } from "../seats.ts";
import { pullEnterpriseReports } from "./enterprise-report.ts";
import { pullMetrics } from "./metrics.ts";
import { pullSeatFees } from "./seat-fees.ts";
import { identitiesOf, readSeats } from "./seats.ts";
import { pullUsage } from "./usage.ts";

const vendor = "GitHub";

/** GitHub Copilot's seats, metrics and billed usage of an organisation (GitHub REST API, 2022-11-28). */
export const githubCopilot: Connector = {
  kind: "GITHUB_COPILOT",
  label: kindLabels.GITHUB_COPILOT,
  fields: [
    credentialField({
      name: "token",
      label: "personal access token",
      hint: "a token with manage_billing:copilot and read:org, of an owner of the organisation",
      pattern: "(?:gh[a-z]_|github_pat_)\\w{8,300}",
    }),
    credentialField({
      name: "organisation",
      label: "organisation",
      secret: false,
      hint: "the organisation's slug, as in github.com/SLUG",
      pattern: "[A-Za-z0-9](?:[A-Za-z0-9-]{0,38})",
    }),
    credentialField({
      name: "enterprise",
      label: "enterprise",
      secret: false,
      required: false,
      hint: "the enterprise's slug, where one owns the organisation and the token may read its billing",
      pattern: "[A-Za-z0-9](?:[A-Za-z0-9-]{0,60})",
    }),
    seatPriceField,
  ],
  schedule: { everyMs: 6 * hourMs, rereadDays: 3, backfillDays: 90, windowDays: 31 },
  capabilities: {
    money: "billed",
    person: "row",
    notes: [
      "Amounts take the right to read the organisation's billing. Without it there are seats and activity alone; give the seat price to have seats as purchases.",
      "Where an enterprise owns the organisation, only the enterprise's reports name a person beside an amount: give its slug. They hold all of its organisations, so connect one of them.",
      "GitHub names logins; where a seat shows no e-mail, map the login to its person once.",
    ],
  },
  connect,
};

function connect({ credentials, clock, open }: ConnectContext): Connection {
  const token = credential(credentials, "token");
  const organisation = credential(credentials, "organisation").reveal();
  const http = open({
    vendor,
    address: "https://api.github.com",
    headers: {
      authorization: `Bearer ${token.reveal()}`,
      accept: "application/vnd.github+json",
      "x-github-api-version": "2022-11-28",
    },
    secrets: [token],
    // 5000 an hour is GitHub's primary limit; others share it.
    perMinute: 60,
    downloadHosts: [".github.com", ".githubusercontent.com", ".azurefd.net", ".blob.core.windows.net"],
  });
  const org = { http, organisation };
  const slug = optionalCredential(credentials, "enterprise")?.reveal() ?? null;
  return {
    async probe(signal) {
      const path = `/orgs/${organisation}/copilot/billing`;
      const schema = z.object({ seat_breakdown: z.object({ total: field.count.nullish() }) });
      await http.json({ path, schema }, signal);
      return { account: organisation.toLowerCase() };
    },
    async *pull(window: DayWindow, signal: AbortSignal): AsyncGenerator<Pulled> {
      const seats = await readSeats(org, signal);
      yield* identitiesOf(seats);
      yield* pullSeatFees(org, seats, { window, now: clock.now(), credentials }, signal);
      if (slug === null) yield* pullUsage(org, seats, window, signal);
      else yield* pullEnterpriseReports({ http, slug, clock }, upTo(window, dateOf(clock.now())), signal);
      yield* pullMetrics(org, { window, now: clock.now() }, signal);
    },
  };
}

/** A report takes no day to come. */
function upTo({ from, until }: DayWindow, today: UsageDate): DayWindow {
  return { from, until: until < today ? until : today };
}
