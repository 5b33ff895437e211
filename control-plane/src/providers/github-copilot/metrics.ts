import { z } from "zod";
import { addDays, dateOf, type UsageDate } from "@flowstate/shared/time";
import type { DayWindow, Pulled } from "../connector.ts";
import { daysOf } from "../days.ts";
import { field, readAnswer } from "../exact-json.ts";
import type { Organisation } from "./seats.ts";

const vendor = "GitHub";
const feed = "metrics";

const links = z.object({ download_links: z.array(field.text) });

/** A person's day. GitHub documents the report and not its lines, so that nothing but the login is relied on. */
const person = z.object({
  user_login: field.text,
  user_initiated_interaction_count: field.count.nullish(),
});

/** Reports begin on this day and are kept for a year. */
const firstReport = "2025-10-10" as UsageDate;

/** How much each person used Copilot, by day. It is no bill: it shows who is active, and splits what names nobody. */
export async function* pullMetrics(
  { http, organisation }: Organisation,
  { window, now }: { readonly window: DayWindow; readonly now: number },
  signal: AbortSignal,
): AsyncGenerator<Pulled> {
  const path = `/orgs/${organisation}/copilot/metrics/reports/users-1-day`;
  for (const day of daysOf(window)) {
    if (day < firstReport || day < addDays(dateOf(now), -364) || day >= dateOf(now)) continue;
    const { status, text } = await http.send({ path, query: { day }, expect: [200, 204, 403, 404] }, signal);
    if (status === 403 || status === 404) return;
    if (status === 204) continue;
    for (const link of readAnswer(text, links, vendor, path).download_links) {
      for await (const line of http.lines(link, signal)) {
        if (line.trim() !== "") yield toUsage(line, day, path);
      }
    }
  }
}

function toUsage(line: string, day: UsageDate, path: string): Pulled {
  const { user_login: login, user_initiated_interaction_count: interactions } = readAnswer(
    line,
    person,
    vendor,
    path,
  );
  return {
    type: "usage",
    usage: {
      feed,
      key: `${day}|${login}`,
      service: "github-copilot",
      day,
      account: null,
      apiKey: null,
      identity: { kind: "login", value: login },
      model: null,
      tokens: { input: null, output: null, cacheRead: null, cacheWrite: null },
      requests: interactions ?? null,
    },
  };
}
