/** What a parser of untrusted input returns: the value, or a reason from a closed set and a sentence for people. */
export type Parsed<T, Reason extends string = string> = Ok<T> | Refused<Reason>;

export interface Ok<T> {
  readonly ok: true;
  readonly value: T;
}

export interface Refused<Reason extends string> {
  readonly ok: false;
  readonly reason: Reason;
  /** One sentence that says what was wrong and what is expected; never holds a secret. */
  readonly detail: string;
}

export function ok<T>(value: T): Ok<T> {
  return { ok: true, value };
}

export function refuse<Reason extends string>(reason: Reason, detail: string): Refused<Reason> {
  return { ok: false, reason, detail };
}
