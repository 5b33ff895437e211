import { hash } from "node:crypto";
import type { OrgId } from "@flowstate/shared/ids";
import type { Reader } from "../store/open.ts";
import type { SignalSeverity, SignalType } from "./types.ts";

/** Figures that a person can check; money as decimal dollars, instants as ISO 8601. Never a text of a prompt or a key. */
export type Evidence = Readonly<Record<string, string | number | boolean | null | readonly string[]>>;

/** What a detector saw. The same thing seen again is the same finding, however much it has grown. */
export interface Finding {
  readonly type: SignalType;
  readonly severity: SignalSeverity;
  readonly subject: string | null;
  readonly sessionId: string | null;
  /** Catalogue id of the service. */
  readonly service: string | null;
  /** What else tells it from others of its type: a device, a repository's owner; empty where nothing does. */
  readonly about: string;
  /** What makes it one occurrence: mostly the day. The next one is a signal of its own. */
  readonly occurrence: string;
  /** When it happened. */
  readonly at: number;
  readonly evidence: Evidence;
}

/** What a detector looks at: whole UTC days, the last of which may still last. */
export interface Scope {
  readonly db: Reader;
  readonly orgId: OrgId;
  readonly from: number;
  readonly to: number;
  readonly now: number;
  /** The person behind an address; a service account's subject stands for itself. */
  readonly personOf: (subject: string) => string;
  /** Every address of a person, the main one first. */
  readonly namesOf: (person: string) => readonly string[];
}

export interface Detector {
  readonly types: readonly SignalType[];
  /** soon: within a minute of a change, over two days; nightly: over all days that may still change. */
  readonly cadence: "soon" | "nightly";
  readonly find: (scope: Scope) => Promise<readonly Finding[]>;
}

/** What it is about, whenever it happens: by this a false positive silences its repetition. */
export function scopeOf({ type, subject, service, about }: Finding): string {
  return digest([type, subject, service, about]);
}

/** The signal's id follows from what was seen, so that seeing it twice makes one signal. */
export function signalIdOf(finding: Finding): string {
  return `sig_${digest([scopeOf(finding), finding.sessionId, finding.occurrence])}`;
}

function digest(parts: readonly (string | null)[]): string {
  return hash("sha256", JSON.stringify(parts), "hex").slice(0, 32);
}
