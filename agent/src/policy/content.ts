import type { PolicyRule } from "@flowstate/shared/policy/document";
import { textsOf } from "../observe/intercept/texts.ts";
import { findPersonalData } from "./detectors/personal-data.ts";
import { findSecrets } from "./detectors/secrets.ts";

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
  const wanted = phrases.map((phrase) => phrase.toLowerCase());
  const kinds = new Set(detectors.flatMap((detector) => kindsOf[detector]));
  const holds = (text: string): boolean => {
    if (detectors.includes("secret") && findSecrets(text).length > 0) return true;
    if (kinds.size > 0 && findPersonalData(text).some(({ kind }) => kinds.has(kind))) return true;
    if (wanted.length === 0) return false;
    const lower = text.toLowerCase();
    return wanted.some((phrase) => lower.includes(phrase));
  };
  return (texts) =>
    texts === null ? null : (inspect === "new_content" ? texts.fresh() : texts.whole()).some(holds);
}

/** The detectors' own names of what they find. */
const kindsOf: Readonly<Record<ContentRule["detectors"][number], readonly string[]>> = {
  secret: [],
  payment_card: ["payment-card"],
  bank_account: ["iban"],
  us_social_security_number: ["us-social-security-number"],
  email_address: ["e-mail-address"],
};
