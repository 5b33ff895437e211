import type { OrgId } from "@flowstate/shared/ids";
import type { SignalTables } from "../../src/signals/tables.ts";
import type { Store } from "../../src/store/open.ts";
import type { Truth } from "./incidents.ts";

/** How one type of signal did against the truth. */
export interface TypeScore {
  readonly type: string;
  readonly made: number;
  readonly found: number;
  readonly right: number;
  readonly missed: readonly Truth[];
  readonly wrong: readonly Truth[];
}

/** Compares the signals of an organisation with what was made to happen, by type and by what they are about. */
export async function judgeSignals(
  store: Store,
  orgId: OrgId,
  truth: ReadonlySet<Truth>,
): Promise<readonly TypeScore[]> {
  const rows = await store.reader.selectFrom("signals").selectAll().where("org_id", "=", orgId).execute();
  const found = new Set(rows.map((row): Truth => `${row.type} ${aboutOf(row)}`));
  const types = new Set([...truth, ...found].map((each) => each.split(" ")[0] ?? ""));
  return [...types].sort().map((type) => {
    const isOfType = (each: Truth): boolean => each.startsWith(`${type} `);
    const [made, seen] = [[...truth].filter(isOfType), [...found].filter(isOfType)];
    return {
      type,
      made: made.length,
      found: seen.length,
      right: made.filter((each) => found.has(each)).length,
      missed: made.filter((each) => !found.has(each)),
      wrong: seen.filter((each) => !truth.has(each)),
    };
  });
}

function aboutOf({ subject, service, detail }: SignalTables["signals"]): string {
  const { of, id, source, device, reason, model, format, inCatalogue } = JSON.parse(detail) as Evidence;
  if (of !== undefined) return `${of} ${id ?? ""}`;
  if (source === "device") return id ?? "";
  // Whoever was the first to use a service matters less than which it is.
  return device ?? reason ?? model ?? format ?? (inCatalogue === undefined ? subject : null) ?? service ?? "";
}

type Evidence = Readonly<
  Partial<Record<"of" | "source" | "device" | "reason" | "model" | "format", string>> & {
    id?: string | null;
    inCatalogue?: boolean;
  }
>;
