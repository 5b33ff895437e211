/** Dimensions in the order of the way down, as the address names them. */
const dimensions = ["COST_CENTRE", "TEAM", "PROJECT", "PERSON", "SERVICE", "MODEL"] as const;
export type Dimension = (typeof dimensions)[number];

/** How the page groups what the way leads to; the end of the way is single sessions. */
type Grouping = Dimension | "SESSION";

export const windows = { "7d": "7 days", "30d": "30 days", qtd: "Quarter", "1y": "1 year" } as const;
type WindowName = keyof typeof windows;

export interface Step {
  readonly dimension: Dimension;
  readonly key: string;
}

/** Where in the organisation the reader is: all of it stands in the address, so that a link leads there. */
export interface Way {
  /** One of `windows`, or a month. */
  readonly span: WindowName | `${number}-${number}`;
  readonly mode: "INCREMENTAL" | "MARKET";
  readonly by: Grouping;
  readonly steps: readonly Step[];
}

const dayMs = 86_400_000;
const monthPattern = /^\d{4}-(?:0[1-9]|1[0-2])$/;

/** Anything that an address may hold; what it does not know falls back to the whole organisation in 30 days. */
export function readWay(address: URLSearchParams): Way {
  const span = address.get("span") ?? "";
  const steps = address.getAll("in").flatMap((text): Step[] => {
    const at = text.indexOf(":");
    const dimension = dimensions.find((each) => each === text.slice(0, at));
    const key = text.slice(at + 1);
    return dimension === undefined || key === "" ? [] : [{ dimension, key }];
  });
  const once = steps.filter(
    ({ dimension }, index) => steps.findIndex((each) => each.dimension === dimension) === index,
  );
  const wanted = address.get("by");
  const open = openDimensions(once);
  return {
    span: isSpan(span) ? span : "30d",
    mode: address.get("mode") === "MARKET" ? "MARKET" : "INCREMENTAL",
    by: [...open, "SESSION" as const].find((each) => each === wanted) ?? open[0] ?? "SESSION",
    steps: once,
  };
}

export function writeWay({ span, mode, by, steps }: Way): URLSearchParams {
  const address = new URLSearchParams({ span, mode, by });
  for (const { dimension, key } of steps) address.append("in", `${dimension}:${key}`);
  return address;
}

/** One step further down: the next dimension is what the reader has not named yet. */
export function stepDown(way: Way, key: string): Way {
  if (way.by === "SESSION") return way;
  const steps = [...way.steps, { dimension: way.by, key }];
  const open = openDimensions(steps);
  const next = open.find((each) => dimensions.indexOf(each) > dimensions.indexOf(way.by as Dimension));
  // Below a person stand sessions; service and model are ways to look at them.
  const by = way.by === "PERSON" ? "SESSION" : (next ?? "SESSION");
  return { ...way, steps, by };
}

/** Back up to the first `count` steps; grouped again by what the next step was taken from. */
export function stepUp(way: Way, count: number): Way {
  const by = way.steps[count]?.dimension ?? way.by;
  return { ...way, steps: way.steps.slice(0, count), by };
}

export function openDimensions(steps: readonly Step[]): readonly Dimension[] {
  return dimensions.filter((each) => steps.every(({ dimension }) => dimension !== each));
}

/** UTC days, both included. `today` in milliseconds since the epoch. */
export function daysOf(
  span: Way["span"],
  today: number,
): { readonly startDate: string; readonly endDate: string } {
  const endDate = dayOf(today);
  if (span === "7d") return { startDate: dayOf(today - 6 * dayMs), endDate };
  if (span === "30d") return { startDate: dayOf(today - 29 * dayMs), endDate };
  if (span === "1y") return { startDate: dayOf(today - 364 * dayMs), endDate };
  const now = new Date(today);
  if (span === "qtd") {
    const quarter = Math.floor(now.getUTCMonth() / 3) * 3;
    return { startDate: dayOf(Date.UTC(now.getUTCFullYear(), quarter, 1)), endDate };
  }
  const [year = 0, month = 1] = span.split("-").map(Number);
  return { startDate: `${span}-01`, endDate: dayOf(Date.UTC(year, month, 0)) };
}

/** The arguments that the steps stand for. */
export function argumentsOf(steps: readonly Step[]): Readonly<Record<string, string>> {
  const names: Readonly<Record<Dimension, string>> = {
    COST_CENTRE: "costCentre",
    TEAM: "team",
    PROJECT: "project",
    PERSON: "person",
    SERVICE: "service",
    MODEL: "model",
  };
  return Object.fromEntries(steps.map(({ dimension, key }) => [names[dimension], key]));
}

function isSpan(text: string): text is Way["span"] {
  return text in windows || monthPattern.test(text);
}

function dayOf(at: number): string {
  return new Date(at).toISOString().slice(0, 10);
}
