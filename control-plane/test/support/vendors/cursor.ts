import { startVendor, type Vendor } from "../vendor.ts";

/** What the local Cursor knows. Tests change it between pulls. */
export interface CursorWorld {
  members: readonly { email: string; name: string; role: string; isRemoved?: boolean }[];
  events: readonly CursorEvent[];
  /** An event that comes in after so many pages were read, or null. */
  lateEvent: { afterPages: number; event: CursorEvent } | null;
  pageSize: number;
}

export interface CursorEvent {
  readonly at: string;
  readonly email?: string;
  readonly serviceAccountId?: string;
  readonly model?: string;
  readonly kind?: string;
  readonly chargedCents?: number;
  readonly totalCents?: number;
  readonly isChargeable?: boolean;
}

export const cursorKey = "crsr_planted0123456789abcdef";

export function emptyCursor(): CursorWorld {
  return { members: [], events: [], lateEvent: null, pageSize: 1000 };
}

export function startCursor(world: CursorWorld): Promise<Vendor> {
  const credential = `Basic ${Buffer.from(`${cursorKey}:`).toString("base64")}`;
  let pagesRead = 0;
  return startVendor({
    contract: "cursor",
    authorise: ({ headers }) =>
      headers.authorization === credential ? null : { status: 401, body: { error: "Invalid API Key" } },
    routes: {
      "GET /teams/members": () => ({ body: { teamMembers: world.members } }),
      "POST /teams/filtered-usage-events": ({ body }) => {
        const { startDate, endDate, page, pageSize } = JSON.parse(body) as Record<string, number>;
        if (world.lateEvent !== null && pagesRead === world.lateEvent.afterPages) {
          world.events = [world.lateEvent.event, ...world.events];
          world.lateEvent = null;
        }
        pagesRead += 1;
        const all = world.events.filter(({ at }) => {
          const time = Date.parse(at);
          return time >= Number(startDate) && time <= Number(endDate);
        });
        const size = Math.min(world.pageSize, pageSize ?? 10);
        const number = page ?? 1;
        const numPages = Math.max(1, Math.ceil(all.length / size));
        return {
          body: {
            totalUsageEventsCount: all.length,
            pagination: {
              numPages,
              currentPage: number,
              pageSize: size,
              hasNextPage: number < numPages,
              hasPreviousPage: number > 1,
            },
            usageEvents: all.slice((number - 1) * size, number * size).map(toEvent),
          },
        };
      },
    },
  });
}

function toEvent({
  at,
  email,
  serviceAccountId,
  model,
  kind,
  chargedCents,
  totalCents,
  isChargeable,
}: CursorEvent) {
  return {
    timestamp: String(Date.parse(at)),
    ...(email === undefined ? {} : { userEmail: email }),
    ...(serviceAccountId === undefined ? {} : { serviceAccountId }),
    model: model ?? "claude-sonnet-5",
    kind: kind ?? "Usage-based",
    maxMode: false,
    requestsCosts: 1,
    isTokenBasedCall: true,
    isChargeable: isChargeable ?? true,
    tokenUsage: {
      inputTokens: 1200,
      outputTokens: 800,
      cacheWriteTokens: 0,
      cacheReadTokens: 51_000,
      totalCents: totalCents ?? 3.21,
    },
    ...(chargedCents === undefined ? {} : { chargedCents }),
  };
}
