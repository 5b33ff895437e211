/** What a token may allow. */
export interface Scope {
  readonly name: string;
  /** Completes "It will be able to" on the consent page. */
  readonly allows: string;
}

/** Reading AI usage; maps to the permission AI_INSIGHTS_VIEW of the person behind the token. */
export const readScope: Scope = {
  name: "ai.read",
  allows: "read what AI tools cost your organisation, by system, team and person",
};
