/**
 * Six weeks of an organisation as they truly were: ordinary work with its noise, incidents of every type, and what
 * only looks like one. It knows nothing of the detectors: what people do and what goes wrong are its own.
 */
import type { ContentCounts, ContentEvent } from "@flowstate/shared/wire/content";
import { accountsOf, addIncidents, goneOf, newcomerOf, type Making } from "./incident-kinds.ts";
import { makePerson, ordinaryWork } from "./ordinary-work.ts";

export interface MadeCall {
  readonly at: number;
  readonly subject: string;
  readonly device: string;
  readonly session: string;
  readonly tool: string;
  readonly provider: string;
  readonly model: string;
  readonly project: string | null;
  readonly input: number;
  /** Null where the tool says nothing of a cache. */
  readonly cacheRead: number | null;
  readonly output: number;
  readonly costUsd: number;
  readonly status: number;
  readonly durationMs: number;
  readonly billing: "metered" | "plan" | "byok";
}

/** What a content rule found in one request. */
export interface MadeContent {
  readonly at: number;
  readonly subject: string;
  readonly device: string;
  readonly kind: ContentEvent["kind"];
  readonly action: ContentEvent["action"];
  readonly found: ContentCounts;
}

export interface MadeTunnels {
  readonly at: number;
  readonly subject: string;
  readonly host: string;
  readonly tunnels: number;
  readonly mismatches: number;
}

export interface MadeForecast {
  readonly kind: "organisation" | "project" | "team";
  readonly id: string;
  /** US dollars for the current month: as forecast before it, and as it is expected now. */
  readonly before: { readonly expected: number; readonly high95: number };
  readonly now: { readonly expected: number; readonly low95: number };
}

export interface MadePerson {
  readonly email: string;
  readonly leftAt: number | null;
  readonly alias: string | null;
}

export interface MadeAccount {
  readonly subject: string;
  readonly environment: "production" | "development";
  readonly abuseDetection: boolean;
}

/** How a device's running counts of one version of a tool stood. */
export interface MadeFormat {
  readonly at: number;
  readonly subject: string;
  readonly device: string;
  readonly tool: string;
  readonly version: string;
  readonly seen: number;
  readonly blank: number;
}

/** Type, and what it is about: a person, a service, a host, a device, a node of the forecast. */
export type Truth = `${string} ${string}`;

export interface MadeOrganisation {
  readonly people: readonly MadePerson[];
  readonly accounts: readonly MadeAccount[];
  readonly markers: readonly string[];
  readonly calls: readonly MadeCall[];
  readonly tunnels: readonly MadeTunnels[];
  readonly contents: readonly MadeContent[];
  readonly formats: readonly MadeFormat[];
  readonly refusals: Readonly<Record<string, number>>;
  /** Sequence numbers that came, by device. */
  readonly received: ReadonlyMap<string, string>;
  /** Connected 60 days ago. */
  readonly connected: readonly ("ANTHROPIC" | "OPENAI" | "CURSOR")[];
  readonly forecasts: readonly MadeForecast[];
  readonly truth: ReadonlySet<Truth>;
}

/** Six weeks of `people`, 24 or more of them, as they follow from the seed. */
export function makeOrganisation(seed: number, people: number, now: number): MadeOrganisation {
  const others = Array.from({ length: people - 1 }, (_, index) => makePerson(seed, index + 1));
  const staff = [makePerson(seed, 0), ...others] as const;
  const truth = new Set<Truth>();
  const making: Making = {
    seed,
    now,
    staff,
    calls: staff.flatMap((person) => ordinaryWork(person, now)),
    tunnels: [],
    contents: [],
    formats: [],
    received: new Map(),
    leavers: new Map(),
    aliases: new Map(),
    yes: (type, about) => void truth.add(`${type} ${about}`),
  };
  addIncidents(making);
  const { ci, app } = accountsOf(seed);
  const emails = [...staff.map(({ email }) => email), newcomerOf(seed), goneOf(seed)];
  return {
    people: emails.map((email) => ({
      email,
      leftAt: making.leavers.get(email) ?? null,
      alias: making.aliases.get(email) ?? null,
    })),
    accounts: [
      { subject: app, environment: "production", abuseDetection: true },
      { subject: ci, environment: "development", abuseDetection: false },
    ],
    markers: [...new Set(staff.map(({ project }) => project))],
    calls: making.calls.filter(({ at }) => at < now),
    tunnels: making.tunnels,
    contents: making.contents,
    formats: making.formats,
    received: making.received,
    ...rest(making.yes),
    truth,
  };
}

/** What no person does: refused keys, a silent connection, months against their forecasts. */
function rest(
  yes: (type: string, about: string) => void,
): Pick<MadeOrganisation, "refusals" | "connected" | "forecasts"> {
  yes("credential_in_clear_text", "clear_text");
  yes("key_misuse_detected", "unknown_key");
  yes("monitoring_gap", "cursor");
  yes("forecast_breach", "project p1");
  yes("forecast_breach", "organisation ");
  return {
    refusals: { clear_text: 3, unknown_key: 240, revoked_key: 4, placeholder: 900 },
    connected: ["ANTHROPIC", "OPENAI", "CURSOR"],
    forecasts: [
      {
        kind: "organisation",
        id: "",
        before: { expected: 4000, high95: 5000 },
        now: { expected: 5600, low95: 5200 },
      },
      {
        kind: "project",
        id: "p1",
        before: { expected: 900, high95: 1200 },
        now: { expected: 1500, low95: 1100 },
      },
      {
        kind: "project",
        id: "p2",
        before: { expected: 900, high95: 1200 },
        now: { expected: 1150, low95: 900 },
      },
      { kind: "project", id: "p3", before: { expected: 2, high95: 5 }, now: { expected: 12, low95: 9 } },
    ],
  };
}
