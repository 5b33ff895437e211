import { z } from "zod";
import type { Pulled } from "../connector.ts";
import { field } from "../exact-json.ts";
import type { VendorHttp } from "../http.ts";
import { readPages } from "../pages.ts";

/** An organisation at GitHub. */
export interface Organisation {
  readonly http: VendorHttp;
  readonly organisation: string;
}

export interface CopilotSeat {
  readonly login: string;
  readonly email: string | null;
  readonly name: string | null;
  readonly plan: string;
  /** When GitHub last saw it used, as UTC milliseconds; null where it never did or cannot tell. */
  readonly lastActiveAt: number | null;
}

const pageSize = 100;

const seatPage = z.object({
  total_seats: field.count,
  seats: z.array(
    z.object({
      assignee: z
        .object({ login: field.text, email: field.text.nullish(), name: field.text.nullish() })
        .nullish(),
      plan_type: field.text.nullish(),
      last_activity_at: field.text.nullish(),
    }),
  ),
});

/** Every seat that somebody holds. */
export async function readSeats(
  { http, organisation }: Organisation,
  signal: AbortSignal,
): Promise<readonly CopilotSeat[]> {
  const path = `/orgs/${organisation}/copilot/billing/seats`;
  const pages = readPages("GitHub", async (page: number | null) => {
    const number = page ?? 1;
    const query = { page: number, per_page: pageSize };
    const { seats } = await http.json({ path, query, schema: seatPage }, signal);
    return { items: seats, next: seats.length < pageSize ? null : number + 1 };
  });
  const seats = await Array.fromAsync(pages);
  return seats.flatMap(({ assignee, plan_type, last_activity_at }) => {
    if (assignee == null) return [];
    const at = last_activity_at == null ? Number.NaN : Date.parse(last_activity_at);
    return {
      login: assignee.login,
      email: assignee.email?.trim().toLowerCase() ?? null,
      name: assignee.name ?? null,
      plan: plan_type ?? "unknown plan",
      lastActiveAt: Number.isNaN(at) ? null : at,
    };
  });
}

export function* identitiesOf(seats: readonly CopilotSeat[]): Generator<Pulled> {
  for (const { login, email, name } of seats) {
    const label = name ?? login;
    yield {
      type: "identity",
      identity: { provider: "github-copilot", kind: "login", value: login, email, label },
    };
  }
}
