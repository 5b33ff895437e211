import type { z } from "zod";
import { parseDestinationRule } from "../destination.ts";
import { aiHosts } from "../hosts.ts";
import { policyDocument, type PolicyDocument, type PolicyRule } from "./document.ts";

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
  const parsed = policyDocument.safeParse(given, { reportInput: true });
  const faults = parsed.success
    ? faultsAcross(parsed.data)
    : parsed.error.issues.map((issue) => sentenceOf(issue, given));
  return parsed.success && faults.length === 0 ? { ok: true, value: parsed.data } : refuse(faults);
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

/** One sentence for one thing wrong with the form. */
function sentenceOf(issue: z.core.$ZodIssue, given: unknown): string {
  const [list, index, ...inside] = issue.path;
  if (list !== "rules" || typeof index !== "number") {
    return withField("the policy", issue.path, saidOf(issue));
  }
  return withField(placeOf(index, nameOf(given, index)), inside, saidOf(issue));
}

function withField(place: string, path: readonly PropertyKey[], said: string): string {
  const field = path
    .map((step, index) =>
      typeof step === "number" ? `[${step + 1}]` : `${index === 0 ? "" : "."}${String(step)}`,
    )
    .join("");
  return field === "" ? `${place} ${said}` : `${place}: ${field} ${said}`;
}

function saidOf(issue: z.core.$ZodIssue): string {
  switch (issue.code) {
    case "invalid_type":
      return issue.input === undefined ? "is missing" : `must be ${words[issue.expected] ?? issue.expected}`;
    case "invalid_value":
      return issue.input === undefined ? "is missing" : `must be one of ${issue.values.join(", ")}`;
    case "invalid_union":
      return `must be one of ${optionsOf(issue).join(", ")}`;
    case "unrecognized_keys":
      return `has no field ${issue.keys.map((key) => `"${key.slice(0, 40)}"`).join(", ")}`;
    case "too_small":
      return `must ${boundOf(issue.origin, "least", issue.minimum)}`;
    case "too_big":
      return `must ${boundOf(issue.origin, "most", issue.maximum)}`;
    case "invalid_format":
      return formOf(issue.path);
    default:
      return "is not as expected";
  }
}

function optionsOf(issue: z.core.$ZodIssueInvalidUnion): readonly string[] {
  return "options" in issue && Array.isArray(issue.options)
    ? issue.options.map(String)
    : ["what is documented"];
}

function boundOf(origin: string, bound: "least" | "most", count: number | bigint): string {
  if (origin === "array") return `hold at ${bound} ${count} ${count === 1 ? "entry" : "entries"}`;
  return origin === "string" ? `have at ${bound} ${count} characters` : `be at ${bound} ${count}`;
}

const words: Readonly<Record<string, string>> = {
  object: "an object",
  array: "a list",
  string: "text",
  int: "a whole number",
  number: "a number",
};

function formOf(path: readonly PropertyKey[]): string {
  const field = path.findLast((step) => typeof step === "string");
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
