/** What a signal may be about. */
export const signalCategories = ["CONTENT_SAFETY", "BRAND_USAGE", "BUDGET", "OPERATIONAL"] as const;
export type SignalCategory = (typeof signalCategories)[number];

/** INFO: for the record; WARN: somebody should look; BLOCK: grave enough to stop it by policy. */
export const signalSeverities = ["INFO", "WARN", "BLOCK"] as const;
export type SignalSeverity = (typeof signalSeverities)[number];

export const signalResolutions = ["ACKNOWLEDGED", "FALSE_POSITIVE", "ESCALATED"] as const;
export type SignalResolution = (typeof signalResolutions)[number];

interface SignalTypeRow {
  readonly category: SignalCategory;
  readonly meaning: string;
  /** The rule's number, which grows when the rule changes. */
  readonly rule: number;
}

/** Every type, with what it means. docs/signals.md holds the rules. */
export const signalTypes = {
  pii_detected: {
    category: "CONTENT_SAFETY",
    meaning: "personal data in a prompt",
    rule: 1,
  },
  secret_detected: {
    category: "CONTENT_SAFETY",
    meaning: "a password or a private key in a prompt",
    rule: 1,
  },
  api_key_in_prompt: {
    category: "CONTENT_SAFETY",
    meaning: "an API key in a prompt",
    rule: 1,
  },
  customer_data_pattern: {
    category: "CONTENT_SAFETY",
    meaning: "what looks like customers' records in a prompt",
    rule: 1,
  },
  banned_content_pattern: {
    category: "CONTENT_SAFETY",
    meaning: "a text in a prompt that the organisation forbids",
    rule: 1,
  },
  brand_violation: {
    category: "BRAND_USAGE",
    meaning: "an answer with a phrase that the organisation's models are not to say",
    rule: 1,
  },
  off_topic_production: {
    category: "BRAND_USAGE",
    meaning: "a production service account used by hand, from a tool for people",
    rule: 1,
  },
  personal_use_company_account: {
    category: "BRAND_USAGE",
    meaning: "a company account used for repositories that are none of the organisation's",
    rule: 1,
  },
  abuse_pattern: {
    category: "BRAND_USAGE",
    meaning: "an account used as no one person could: around the clock, or from many devices at once",
    rule: 1,
  },
  wasteful_prompting: {
    category: "BRAND_USAGE",
    meaning: "a session that sends much, again and again, without a cache and for little",
    rule: 1,
  },
  runaway_loop: {
    category: "BRAND_USAGE",
    meaning: "a session that repeats itself: failure after failure, or the same answer hundreds of times",
    rule: 1,
  },
  forecast_breach: {
    category: "BUDGET",
    meaning: "a month that leaves the band which was forecast before it began",
    rule: 1,
  },
  spend_spike: {
    category: "BUDGET",
    meaning: "a day that costs many times what this person's days cost",
    rule: 1,
  },
  off_project_spend: {
    category: "BUDGET",
    meaning: "spend that belongs to no project, and nobody has said why",
    rule: 1,
  },
  monitoring_gap: {
    category: "OPERATIONAL",
    meaning: "a service that is connected or billed, and silent",
    rule: 1,
  },
  model_regression_signal: {
    category: "OPERATIONAL",
    meaning: "a model that fails more often, or answers more slowly, than on any day of the month before",
    rule: 1,
  },
  auth_context_mismatch: {
    category: "OPERATIONAL",
    meaning: "calls under another name than the device, the session or the directory says",
    rule: 1,
  },
  key_misuse_detected: {
    category: "OPERATIONAL",
    meaning: "keys that were refused again and again",
    rule: 1,
  },
  new_service: {
    category: "OPERATIONAL",
    meaning: "an AI service that nobody in the organisation has used before",
    rule: 1,
  },
  credential_in_clear_text: {
    category: "OPERATIONAL",
    meaning: "a device that sent its key to the proxy without TLS",
    rule: 1,
  },
  sni_mismatch: {
    category: "OPERATIONAL",
    meaning: "tunnels that went to another host than was asked for",
    rule: 1,
  },
  sequence_gap: {
    category: "OPERATIONAL",
    meaning: "reports of a device or a proxy that never came",
    rule: 1,
  },
  format_drift: {
    category: "OPERATIONAL",
    meaning: "a tool or an API that writes what devices do not understand any more: calls of it are missing",
    rule: 1,
  },
} as const satisfies Record<string, SignalTypeRow>;

export type SignalType = keyof typeof signalTypes;

export const signalTypeNames = Object.keys(signalTypes) as readonly SignalType[];

/** What an environment makes of a severity: production weighs more, development less. */
export function weigh(severity: SignalSeverity, steps: -1 | 0 | 1): SignalSeverity {
  const at = signalSeverities.indexOf(severity) + steps;
  return signalSeverities[Math.min(Math.max(at, 0), signalSeverities.length - 1)] ?? severity;
}
