/** US dollars from the server's exact decimal text: two places, or more where cents would hide everything. */
export function usd(text: string): string {
  const [, sign = "", whole = "0", fraction = ""] = /^(-?)(\d+)(?:\.(\d+))?$/.exec(text) ?? [];
  const small = whole === "0" && /^00[^0]|^000*[1-9]/.test(fraction.padEnd(3, "0"));
  const places = small ? Math.min(6, fraction.search(/[1-9]/) + 2) : 2;
  const cut = roundHalfUp(whole, fraction, places);
  return `${sign === "-" ? "−" : ""}$${grouped(cut.whole)}.${cut.fraction}`;
}

export function count(text: string | number): string {
  return grouped(String(text));
}

export function bytes(text: string): string {
  const units = ["B", "kB", "MB", "GB", "TB"];
  let value = Number(text);
  let unit = 0;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${unit === 0 ? value : value.toFixed(1)} ${units[unit] ?? ""}`;
}

const instant = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });

/** Shown in the viewer's own zone; the server speaks UTC. */
export function when(text: string | null): string {
  return text === null ? "never" : instant.format(new Date(text));
}

const calendarDay = new Intl.DateTimeFormat(undefined, { dateStyle: "medium" });

export function day(text: string | null): string {
  return text === null ? "never" : calendarDay.format(new Date(text));
}

export function percent(share: number | null): string {
  return share === null ? "unknown" : `${(share * 100).toFixed(1)} %`;
}

/** `auto_matched` for people. */
export function words(constant: string): string {
  return constant.toLowerCase().replaceAll("_", " ");
}

export function thisMonth(): string {
  return new Date().toISOString().slice(0, 7);
}

function grouped(digits: string): string {
  return digits.replace(/\B(?=(\d{3})+(?!\d))/g, " ");
}

function roundHalfUp(whole: string, fraction: string, places: number): { whole: string; fraction: string } {
  const padded = fraction.padEnd(places + 1, "0");
  const scaled = BigInt(whole + padded.slice(0, places)) + ((padded[places] ?? "0") >= "5" ? 1n : 0n);
  const digits = scaled.toString().padStart(places + 1, "0");
  return { whole: digits.slice(0, -places), fraction: digits.slice(-places) };
}
