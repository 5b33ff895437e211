import type { PolicyDocument, PolicyRule } from "@flowstate/shared/policy/document";
import { printScope, type ScopeNames } from "./scopes.ts";

/** How one rule differs between two policies. A rule is the same rule while it has the same name; order means nothing. */
export type PolicyChange =
  | { readonly kind: "ADDED"; readonly name: string; readonly after: PolicyRule }
  | { readonly kind: "REMOVED"; readonly name: string; readonly before: PolicyRule }
  | {
      readonly kind: "CHANGED";
      readonly name: string;
      readonly before: PolicyRule;
      readonly after: PolicyRule;
    };

/** What becomes of the rules of `from`, in its order, then what is new in `to`. */
export function diffPolicies(from: PolicyDocument, to: PolicyDocument): readonly PolicyChange[] {
  const before = new Map(from.rules.map((rule) => [rule.name, rule]));
  const after = new Map(to.rules.map((rule) => [rule.name, rule]));
  const kept = from.rules.flatMap((rule): readonly PolicyChange[] => {
    const now = after.get(rule.name);
    if (now === undefined) return [{ kind: "REMOVED", name: rule.name, before: rule }];
    return text(rule) === text(now) ? [] : [{ kind: "CHANGED", name: rule.name, before: rule, after: now }];
  });
  const added = to.rules.flatMap((rule): readonly PolicyChange[] =>
    before.has(rule.name) ? [] : [{ kind: "ADDED", name: rule.name, after: rule }],
  );
  return [...kept, ...added];
}

/** What changed within a rule, a text for each field; none for a rule that came or went. */
export function fieldsOf(change: PolicyChange, names: ScopeNames): readonly string[] {
  if (change.kind !== "CHANGED") return [];
  const [before, after] = [entriesOf(change.before), entriesOf(change.after)];
  const fields = [...new Set([...before.keys(), ...after.keys()])];
  return fields.flatMap((field) => {
    const [old, now] = [before.get(field), after.get(field)];
    return text(old) === text(now) ? [] : [textOf(field, old, now, change, names)];
  });
}

const mostNamed = 20;

/** A line for the audit log: which rules came, went and changed. */
export function printDiff(changes: readonly PolicyChange[]): string {
  if (changes.length === 0) return "no rule differs";
  const parts = (["ADDED", "CHANGED", "REMOVED"] as const).flatMap((kind) => {
    const own = changes.filter((change) => change.kind === kind).map(({ name }) => `"${name}"`);
    const rest = own.length - mostNamed;
    const named = [...own.slice(0, mostNamed), ...(rest > 0 ? [`${rest} more`] : [])];
    return own.length === 0 ? [] : [`${kind.toLowerCase()} ${named.join(", ")}`];
  });
  return parts.join("; ");
}

function textOf(
  field: string,
  old: unknown,
  now: unknown,
  { before, after }: { readonly before: PolicyRule; readonly after: PolicyRule },
  names: ScopeNames,
): string {
  if (field === "scope") {
    return `scope: ${printScope(before.scope, names)} -> ${printScope(after.scope, names)}`;
  }
  if (Array.isArray(old) && Array.isArray(now)) {
    const added = now.filter((entry) => !old.includes(entry)).map((entry) => `+ ${String(entry)}`);
    const removed = old.filter((entry) => !now.includes(entry)).map((entry) => `- ${String(entry)}`);
    return `${field}: ${[...added, ...removed].join(", ") || "in another order"}`;
  }
  return `${field}: ${shown(old)} -> ${shown(now)}`;
}

function entriesOf(rule: PolicyRule): ReadonlyMap<string, unknown> {
  return new Map<string, unknown>(Object.entries(rule).filter(([field]) => field !== "name"));
}

function shown(value: unknown): string {
  if (value === undefined) return "nothing";
  return typeof value === "string" ? value : text(value);
}

function text(value: unknown): string {
  return JSON.stringify(value) ?? "";
}
