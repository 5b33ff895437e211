import * as v from "valibot";
import { parseDestinationRule } from "../destination.ts";
import { aiHosts } from "../hosts.ts";
import { policyDocument, policyRule, policyScope, type PolicyDocument, type PolicyRule } from "./document.ts";

/** A policy, or everything that is wrong with it: one sentence a fault, each naming the rule and the field. */
export type ParsedPolicy =
  | { readonly ok: true; readonly value: PolicyDocument }
  | { readonly ok: false; readonly faults: readonly [string, ...string[]] };

/** The most that a policy may hold, as text. */
const mostCharacters = 200_000;
/** More than these nobody reads at once. */
const mostFaults = 50;

/** Reads a policy as a person wrote it, in JSON. Never throws. */
export function parsePolicyDocument(text: string): ParsedPolicy {
  if (text.length > mostCharacters) return refuse([`a policy takes at most ${mostCharacters} characters`]);
  let given: unknown;
  try {
    given = JSON.parse(text);
  } catch (error) {
    return refuse([
      `the policy is not JSON: ${error instanceof Error ? firstLine(error.message) : "unreadable"}`,
    ]);
  }
  const parsed = v.safeParse(policyDocument, given);
  if (!parsed.success) {
    // A list in the place of an object lacks each of its fields, which is one fault.
    return refuse([...new Set(parsed.issues.map((issue) => sentenceOf(issue, given)))]);
  }
  const faults = faultsAcross(parsed.output);
  return faults.length === 0 ? { ok: true, value: parsed.output } : refuse(faults);
}

function refuse(faults: readonly string[]): ParsedPolicy {
  const [first = "the policy is not as expected", ...rest] = faults.slice(0, mostFaults);
  return { ok: false, faults: [first, ...rest] };
}

/** What no single field shows. */
function faultsAcross({ rules }: PolicyDocument): readonly string[] {
  const names = new Map<string, number>();
  return rules.flatMap((rule, index) => {
    const place = placeOf(index, rule.name);
    const earlier = names.get(rule.name);
    names.set(rule.name, index);
    return [
      ...(earlier === undefined ? [] : [`${place}: rule ${earlier + 1} has this name already`]),
      ...faultsOfRule(rule).map((fault) => `${place}: ${fault}`),
    ];
  });
}

function faultsOfRule(rule: PolicyRule): readonly string[] {
  switch (rule.type) {
    case "PROVIDER_ALLOWLIST":
    case "PROVIDER_DENYLIST":
      return rule.providers.flatMap((entry) => faultOfProvider(entry, "providers") ?? []);
    case "MONTHLY_SPEND_CAP_PER_SUBJECT":
      return [faultOfSlug(rule.provider, "provider")].flatMap((fault) => fault ?? []);
    case "BUDGET_CROSS_PROVIDER":
      return (rule.providers ?? []).flatMap((slug) => faultOfSlug(slug, "providers") ?? []);
    case "CONTENT_DLP":
      return rule.in === "answer" ? faultsOfAnswerRule(rule) : faultsOfRequestRule(rule);
    default:
      return [];
  }
}

type ContentRule = Extract<PolicyRule, { type: "CONTENT_DLP" }>;

function faultsOfRequestRule({ detectors, phrases }: ContentRule): readonly string[] {
  return detectors.length + phrases.length === 0
    ? ["name at least one of detectors or one of phrases to look for"]
    : [];
}

/** An answer reaches the person while it is read: nothing of it can be held back, and it comes once. */
function faultsOfAnswerRule({
  action,
  detectors,
  phrases,
  inspect,
  onUnknown,
}: ContentRule): readonly string[] {
  const faults: readonly [isFault: boolean, said: string][] = [
    [
      action === "BLOCK",
      "action must be OBSERVE or WARN, for an answer is with the person while it is read and cannot be taken back",
    ],
    [phrases.length === 0, "phrases must name at least one phrase to look for in answers"],
    [detectors.length > 0, "detectors look at what is sent alone; in answers phrases are looked for"],
    [inspect === "whole_request", "inspect is about what is sent alone; an answer comes once"],
    [onUnknown === "closed", "onUnknown must be open, for an answer that cannot be read has passed already"],
  ];
  return faults.flatMap(([isFault, said]) => (isFault ? said : []));
}

function faultOfProvider(entry: string, field: string): string | null {
  if (!isHostEntry(entry)) return faultOfSlug(entry, field);
  const host = parseDestinationRule(entry);
  if (!host.ok) return `${field}: ${host.detail}`;
  return host.value.ports === undefined
    ? null
    : `${field}: "${entry}" must not have a port, for a call is judged by its host`;
}

/** Whether an entry names a host, and no provider. */
export function isHostEntry(entry: string): boolean {
  return /[.:*]/.test(entry);
}

function faultOfSlug(slug: string, field: string): string | null {
  return knownProviders.has(slug)
    ? null
    : `${field}: "${slug}" is no provider that is known, such as openai or anthropic; for others name the host`;
}

const knownProviders: ReadonlySet<string> = new Set(aiHosts.map(({ provider }) => provider));

type Issue = v.BaseIssue<unknown>;

/** One sentence for one thing wrong with the form. */
function sentenceOf(issue: Issue, given: unknown): string {
  const { path, said } = faultOf(issue);
  const [list, index, ...inside] = path;
  if (list !== "rules" || typeof index !== "number") return withField("the policy", path, said);
  return withField(placeOf(index, nameOf(given, index)), inside, said);
}

type Path = readonly (string | number)[];

/** Where something is wrong, and what. */
function faultOf(issue: Issue): { readonly path: Path; readonly said: string } {
  const path = (issue.path ?? []).map(({ key }) => (typeof key === "number" ? key : String(key)));
  const last = issue.path?.at(-1);
  // Of a field that is missing or too many, its object is told by the last step.
  if (last?.type === "object" && Array.isArray(last.input))
    return { path: path.slice(0, -1), said: "must be an object" };
  if (last?.type === "object" && last.origin === "key" && issue.expected === "never")
    return { path: path.slice(0, -1), said: `has no field ${strangersIn(last.input, path.length - 1)}` };
  return { path, said: saidOf(issue) };
}

function withField(place: string, path: Path, said: string): string {
  const field = path
    .map((step, index) => (typeof step === "number" ? `[${step + 1}]` : `${index === 0 ? "" : "."}${step}`))
    .join("");
  return field === "" ? `${place} ${said}` : `${place}: ${field} ${said}`;
}

/** Every field too many; an issue tells of the first alone. */
function strangersIn(given: Readonly<Record<string, unknown>>, depth: number): string {
  const { entries } = schemaOf(given, depth);
  return Object.keys(given)
    .filter((key) => !Object.hasOwn(entries, key))
    .map((key) => `"${key.slice(0, 40)}"`)
    .join(", ");
}

/** Of the policy, of a rule two steps down, or of a scope three steps down. */
function schemaOf({ type, kind }: Readonly<Record<string, unknown>>, depth: number) {
  const rule = policyRule.options.find(({ entries }) => entries.type.literal === type);
  const scope = policyScope.options.find(({ entries }) => entries.kind.literal === kind);
  return (depth === 0 ? null : depth === 2 ? rule : scope) ?? policyDocument;
}

function saidOf(issue: Issue): string {
  const { type, input, requirement } = issue;
  switch (type) {
    case "strict_object":
      return input === undefined ? "is missing" : "must be an object";
    case "variant":
      return issue.expected === "Object" ? "must be an object" : `must be one of ${choicesOf(issue)}`;
    case "picklist":
      return `must be one of ${choicesOf(issue)}`;
    case "min_length":
      return `must hold at least ${entriesOf(requirement)}`;
    case "max_length":
      return `must hold at most ${entriesOf(requirement)}`;
    case "min_code_points":
      return `must have at least ${String(requirement)} characters`;
    case "max_code_points":
      return `must have at most ${String(requirement)} characters`;
    case "min_value":
      return `must be at least ${String(requirement)}`;
    case "max_value":
      return `must be at most ${String(requirement)}`;
    case "regex":
      return formOf(issue);
    default:
      return words[type] === undefined ? "is not as expected" : `must be ${words[type]}`;
  }
}

/** Such as `("open" | "closed")`, as a list. */
function choicesOf({ expected }: Issue): string {
  return [...(expected ?? "").matchAll(/"([^"]+)"/g)].map(([, choice]) => choice).join(", ");
}

function entriesOf(count: unknown): string {
  return `${String(count)} ${count === 1 ? "entry" : "entries"}`;
}

const words: Readonly<Record<string, string>> = {
  instance: "a list",
  string: "text",
  integer: "a whole number",
  number: "a number",
};

function formOf({ path }: Issue): string {
  const field = path?.findLast(({ key }) => typeof key === "string")?.key;
  return forms[String(field)] ?? "must be one line that does not begin with a blank";
}

const forms: Readonly<Record<string, string>> = {
  providers: "must be a provider such as openai, or a host, in lower case",
  provider: "must be a provider such as openai, in lower case",
  models: "must be a model's name without blanks",
  capUsd: "must be US dollars as a decimal such as 100.00",
  budgetUsd: "must be US dollars as a decimal such as 100.00",
};

function placeOf(index: number, name: string | null): string {
  if (name === null) return `rule ${index + 1}`;
  return `rule ${index + 1} ("${name.slice(0, 100).replace(/\p{Cc}/gu, " ")}")`;
}

/** The name of a rule that may be wrong in everything else. */
function nameOf(given: unknown, index: number): string | null {
  const rule = member(member(given, "rules"), index);
  const name = member(rule, "name");
  return typeof name === "string" && name !== "" ? name : null;
}

function member(of: unknown, key: string | number): unknown {
  return typeof of === "object" && of !== null ? Reflect.get(of, key) : undefined;
}

function firstLine(text: string): string {
  return text.split("\n", 1)[0] ?? "";
}
