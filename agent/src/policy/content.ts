import type { PolicyRule } from "@flowstate/shared/policy/document";
import type { ContentCounts, ContentKind } from "@flowstate/shared/wire/content";
import { textsOf } from "../observe/intercept/texts.ts";
import { findPersonalData } from "./detectors/personal-data.ts";
import { findSecrets } from "./detectors/secrets.ts";
import { foldCase } from "./phrase-search.ts";

type ContentRule = Extract<PolicyRule, { type: "CONTENT_DLP" }>;

/** The texts of one request, each found when it is first asked for. */
export interface RequestTexts {
  /** Every text. */
  whole(): readonly string[];
  /** Those that no request held before. */
  fresh(): readonly string[];
}

export function requestTexts(
  body: unknown,
  freshOf: (body: unknown) => readonly string[],
): RequestTexts | null {
  if (body === null) return null;
  let whole: readonly string[] | null = null;
  let fresh: readonly string[] | null = null;
  return { whole: () => (whole ??= textsOf(body)), fresh: () => (fresh ??= freshOf(body)) };
}

/** Whether a request holds what the rule looks for; null where its content could not be read. */
export type FindContent = (texts: RequestTexts | null) => boolean | null;

export function createContentFinder({ detectors, phrases, inspect }: ContentRule): FindContent {
  const wanted = phrases.map(foldCase);
  const kinds = new Set(detectors.flatMap((detector) => kindsOf[detector]));
  const holds = (text: string): boolean => {
    if (detectors.includes("secret") && findSecrets(text).length > 0) return true;
    if (kinds.size > 0 && findPersonalData(text).some(({ kind }) => kinds.has(kind))) return true;
    if (wanted.length === 0) return false;
    const lower = foldCase(text);
    return wanted.some((phrase) => lower.includes(phrase));
  };
  return (texts) =>
    texts === null ? null : (inspect === "new_content" ? texts.fresh() : texts.whole()).some(holds);
}

/** What a request holds of what a rule looks for, by kind and number; nothing where its content could not be read. */
export type CountContent = (texts: RequestTexts | null) => ContentCounts;

/** Looks through everything, where the finder above stops at the first find: for requests that broke the rule. */
export function createContentCounter({ detectors, phrases, inspect }: ContentRule): CountContent {
  const wanted = phrases.map(foldCase);
  const kinds = new Map(detectors.flatMap((detector) => kindsOf[detector].map((kind) => [kind, detector])));
  const kindsIn = (text: string): readonly ContentKind[] => {
    const secrets = detectors.includes("secret") ? findSecrets(text) : [];
    const personal = kinds.size > 0 ? findPersonalData(text) : [];
    const lower = wanted.length > 0 ? foldCase(text) : "";
    return [
      ...secrets.map(({ kind }) => (noApiKeys.has(kind) ? "secret" : "api_key")),
      ...personal.flatMap(({ kind }) => kinds.get(kind) ?? []),
      ...wanted.filter((phrase) => lower.includes(phrase)).map(() => "phrase" as const),
    ];
  };
  return (texts) => {
    if (texts === null) return {};
    const found = (inspect === "new_content" ? texts.fresh() : texts.whole()).flatMap(kindsIn);
    return Object.fromEntries(
      [...Map.groupBy(found, (kind) => kind)].map(([kind, all]) => [kind, all.length]),
    );
  };
}

/** Secrets that open something else than a vendor's API. */
const noApiKeys = new Set(["private-key", "database-password", "json-web-token"]);

/** The detectors' own names of what they find. */
const kindsOf: Readonly<Record<ContentRule["detectors"][number], readonly string[]>> = {
  secret: [],
  payment_card: ["payment-card"],
  bank_account: ["iban"],
  us_social_security_number: ["us-social-security-number"],
  email_address: ["e-mail-address"],
};
