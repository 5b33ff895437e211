import { crc32 } from "node:zlib";

/** A secret or a piece of personal data in a text, by its kind and place; its own text is never carried along. */
export interface Finding {
  readonly kind: string;
  /** Index of the first character. */
  readonly at: number;
  readonly length: number;
}

interface Rule {
  readonly kind: string;
  /** Source of an expression without capture groups. */
  readonly pattern: string;
  /** Whether a candidate is one; the shape alone decides where this is absent. */
  readonly holds?: (text: string) => boolean;
}

/** Shapes that vendors publish for their own credentials; ours too. First match at a place wins. */
const rules: readonly Rule[] = [
  { kind: "flowstate-key", pattern: "fs[kap]_[A-Za-z0-9]{8}_[A-Za-z0-9]{43}_[A-Za-z0-9]{6}" },
  { kind: "anthropic-key", pattern: "sk-ant-(?:api|admin|oat)\\d\\d-[\\w-]{80,120}" },
  { kind: "openai-key", pattern: "sk-(?:proj-|svcacct-|admin-)?[\\w-]{16,}T3BlbkFJ[\\w-]{16,}" },
  { kind: "openrouter-key", pattern: "sk-or-v1-[0-9a-f]{64}" },
  { kind: "aws-access-key", pattern: "(?:AKIA|ASIA)[A-Z2-7]{16}" },
  { kind: "github-token", pattern: "gh[pousr]_[A-Za-z0-9]{36}", holds: hasChecksum },
  { kind: "github-token", pattern: "github_pat_[A-Za-z0-9]{22}_[A-Za-z0-9]{59}" },
  { kind: "gitlab-token", pattern: "glpat-[\\w-]{20,}" },
  { kind: "google-key", pattern: "AIza[\\w-]{35}", holds: isRandom },
  { kind: "slack-token", pattern: "xox[abprs]-\\d{8,}-[\\w-]{16,}" },
  { kind: "stripe-key", pattern: "[sr]k_live_[A-Za-z0-9]{20,}" },
  { kind: "sendgrid-key", pattern: "SG\\.[\\w-]{22}\\.[\\w-]{43}" },
  { kind: "npm-token", pattern: "npm_[A-Za-z0-9]{36}", holds: hasChecksum },
  { kind: "huggingface-token", pattern: "hf_[A-Za-z]{34}", holds: isRandom },
  { kind: "digitalocean-token", pattern: "do[por]_v1_[0-9a-f]{64}" },
  { kind: "json-web-token", pattern: "eyJ[\\w-]{10,}\\.eyJ[\\w-]{10,}\\.[\\w-]{20,}", holds: isSignedToken },
  { kind: "private-key", pattern: "-----BEGIN (?:[A-Z]{2,12} ){0,2}PRIVATE KEY-----" },
  {
    kind: "database-password",
    pattern:
      "(?:postgres(?:ql)?|mysql|mariadb|mongodb(?:\\+srv)?|rediss?|amqps?)://[^\\s:/@]{1,80}:[^\\s:/@]{3,120}@[\\w.-]+",
    holds: hasRealPassword,
  },
];

const expression = new RegExp(
  rules.map(({ pattern }) => `(?<![A-Za-z0-9])(${pattern})(?![A-Za-z0-9])`).join("|"),
  "g",
);

/** Credentials in a text. One pass with one expression: separate ones cost twice as much. Linear in the text. */
export function findSecrets(text: string): Finding[] {
  const findings: Finding[] = [];
  for (const match of text.matchAll(expression)) {
    const rule = rules[match.slice(1).findIndex((part) => part !== undefined)];
    const [found] = match;
    if (rule !== undefined && (rule.holds?.(found) ?? true))
      findings.push({ kind: rule.kind, at: match.index, length: found.length });
  }
  return findings;
}

const base62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/** GitHub and npm end their tokens with the CRC-32 of what stands before, six digits in base 62. */
function hasChecksum(token: string): boolean {
  const body = token.slice(token.indexOf("_") + 1);
  let value = crc32(body.slice(0, 30));
  let digits = "";
  for (let at = 0; at < 6; at += 1) {
    digits = (base62[value % 62] ?? "") + digits;
    value = Math.floor(value / 62);
  }
  return digits === body.slice(30);
}

/** Shannon entropy of at least three bits a character, which words and placeholders do not have. */
function isRandom(token: string): boolean {
  const counts = new Map<string, number>();
  for (const letter of token) counts.set(letter, (counts.get(letter) ?? 0) + 1);
  const entropy = [...counts.values()].reduce((sum, count) => {
    const share = count / token.length;
    return sum - share * Math.log2(share);
  }, 0);
  return entropy >= 3;
}

function isSignedToken(token: string): boolean {
  const [head = ""] = token.split(".");
  return /"alg"\s*:/.test(Buffer.from(head, "base64url").toString("latin1"));
}

/** A password that documentation would not print. */
function hasRealPassword(url: string): boolean {
  const password = /:\/\/[^:]+:([^@]+)@/.exec(url)?.[1] ?? "";
  return !/^(?:pass(?:word)?|secret|changeme|example|user|root|admin|test|postgres|x+|\*+|[<${[].*)$/i.test(
    password,
  );
}
