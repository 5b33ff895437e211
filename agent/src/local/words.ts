const units = [
  ["day", 86_400_000],
  ["hour", 3_600_000],
  ["minute", 60_000],
  ["second", 1000],
] as const;

/** How long ago an instant was, in its largest unit. */
export function ago(at: string, now: number): string {
  const ms = now - Date.parse(at);
  const [unit, size] = units.find(([, size]) => ms >= size) ?? ["second", 1000];
  return `${plural(Math.max(0, Math.floor(ms / size)), unit)} ago`;
}

/** A number with its noun. */
export function plural(count: number, noun: string): string {
  return `${count.toLocaleString("en-GB")} ${noun}${count === 1 ? "" : "s"}`;
}
