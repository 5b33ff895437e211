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
    .map(([name, value]) => ({
      name: name.replaceAll(/([A-Z])/g, " $1").toLowerCase(),
      text: Array.isArray(value) ? value.join(", ") : String(value as string | number | boolean),
    }));
}

function read(detail: string): Readonly<Record<string, unknown>> | null {
  try {
    const value: unknown = JSON.parse(detail);
    return typeof value === "object" && value !== null ? (value as Readonly<Record<string, unknown>>) : null;
  } catch {
    return null;
  }
}
