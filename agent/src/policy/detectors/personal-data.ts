import type { Finding } from "./secrets.ts";

/** Card numbers with or without groups, IBANs, social security numbers of the United States, and e-mail addresses. */
const expression =
  /(?<![\d.-])((?:\d[ -]?){12,18}\d)(?![\d-])|\b([A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,4})?)\b|(?<![\d-])(\d{3}-\d{2}-\d{4})(?![\d-])|(?<![\w.+-])([\w.+-]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){0,4}\.[A-Za-z]{2,24})\b/g;

const kinds: readonly (readonly [kind: string, holds: (text: string) => boolean])[] = [
  ["payment-card", isCard],
  ["iban", isIban],
  ["us-social-security-number", isSocialSecurityNumber],
  ["e-mail-address", isPersonal],
];

/** Personal data in a text; every candidate is checked by the rule of its kind. */
export function findPersonalData(text: string): Finding[] {
  const findings: Finding[] = [];
  for (const match of text.matchAll(expression)) {
    const kind = kinds[match.slice(1).findIndex((part) => part !== undefined)];
    const [found] = match;
    if (kind?.[1](found) === true) findings.push({ kind: kind[0], at: match.index, length: found.length });
  }
  return findings;
}

/** A known issuer's first digits and length, and the check digit of ISO/IEC 7812-1 annex B. */
function isCard(text: string): boolean {
  const digits = text.replaceAll(/\D/g, "");
  const known =
    /^(?:4\d{15}|4\d{12}|5[1-5]\d{14}|2[2-7]\d{14}|3[47]\d{13}|6(?:011|5\d\d)\d{12}|35\d{14}|3(?:0[0-5]|[68]\d)\d{11})$/;
  if (!known.test(digits)) return false;
  let sum = 0;
  for (const [at, digit] of digits.split("").toReversed().entries()) {
    const value = Number(digit) * (at % 2 === 1 ? 2 : 1);
    sum += value > 9 ? value - 9 : value;
  }
  return sum % 10 === 0;
}

/** ISO 13616: the rearranged number leaves 1 when divided by 97. */
function isIban(text: string): boolean {
  const compact = text.replaceAll(" ", "");
  if (compact.length < 15 || compact.length > 34) return false;
  let rest = 0;
  for (const letter of compact.slice(4) + compact.slice(0, 4)) {
    const value = Number.parseInt(letter, 36);
    rest = (rest * (value > 9 ? 100 : 10) + value) % 97;
  }
  return rest === 1;
}

/** Numbers that are never given out are no one's. */
function isSocialSecurityNumber(text: string): boolean {
  const [area = "", group, serial] = text.split("-");
  return area !== "000" && area !== "666" && !area.startsWith("9") && group !== "00" && serial !== "0000";
}

/** Addresses of nobody: reserved names (RFC 2606), repositories and machines that send. */
function isPersonal(text: string): boolean {
  const [name = "", domain = ""] = text.toLowerCase().split("@");
  if (/(?:^|\.)(?:example(?:\.(?:com|org|net))?|test|invalid|localhost|local)$/.test(domain)) return false;
  return (
    !/^(?:git|no-?reply|noreply|support|info|postmaster|mailer-daemon)$/.test(name) &&
    !/\.(?:png|jpe?g|gif|svg|js|ts)$/.test(domain)
  );
}
