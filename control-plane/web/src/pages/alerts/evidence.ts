import { usd, when } from "../../format.ts";

/** A figure that somebody can check. */
export interface Figure {
  readonly name: string;
  readonly text: string;
}

/** The evidence of a signal, a JSON document of names and values, as people read it. What is none is shown as it is. */
export function figuresOf(detail: string): readonly Figure[] {
  const evidence = read(detail);
  if (evidence === null) return [{ name: "detail", text: detail }];
  return Object.entries(evidence)
    .filter(([name, value]) => name !== "rule" && value !== null)
    .map(([name, value]) => ({ name: titleOf(name), text: textOf(name, value) }));
}

/** `usualDayUsd` -> `Usual day`: the value says that it is dollars. */
function titleOf(name: string): string {
  const title = name
    .replace(/Usd$/, "")
    .replaceAll(/([A-Z])/g, " $1")
    .toLowerCase();
  return title.charAt(0).toUpperCase() + title.slice(1);
}

function textOf(name: string, value: unknown): string {
  if (Array.isArray(value)) return value.join(", ");
  const text = String(value);
  if (name.endsWith("Usd") && /^-?\d+(?:\.\d+)?$/.test(text)) return usd(text);
  return /^\d{4}-\d\d-\d\dT[\d:.]+Z$/.test(text) ? when(text) : text;
}

function read(detail: string): Readonly<Record<string, unknown>> | null {
  try {
    const value: unknown = JSON.parse(detail);
    return typeof value === "object" && value !== null ? (value as Readonly<Record<string, unknown>>) : null;
  } catch {
    return null;
  }
}
