import type { Clock } from "@flowstate/shared/clock";
import type { Secret } from "@flowstate/shared/secret";
import type { UsageDate } from "@flowstate/shared/time";
import type { ChargeCategory, Grade } from "../billing/tables.ts";
import type { IdentityKind } from "../directory/tables.ts";
import type { StatedAmount } from "./amount.ts";
import type { ClientOptions, VendorHttp } from "./http.ts";
import type { UsageProviderKind } from "./kinds.ts";

/** One vendor's billing API behind the interface that all of them share. A connector reads and never writes. */
export interface Connector {
  readonly kind: UsageProviderKind;
  /** As people know it, e.g. "OpenAI Codex / ChatGPT". */
  readonly label: string;
  /** What the form asks for; empty where the kind takes no credential. */
  readonly fields: readonly CredentialField[];
  readonly schedule: SyncSchedule;
  readonly capabilities: Capabilities;
  /** Prepares a connection. Sends nothing yet. */
  connect(context: ConnectContext): Connection;
}

/** One input of the form. */
export interface CredentialField {
  readonly name: string;
  readonly label: string;
  readonly secret: boolean;
  readonly required: boolean;
  /** Where the admin finds it. */
  readonly hint: string | null;
  /** A regular expression that the whole value matches. */
  readonly pattern: string | null;
}

export interface SyncSchedule {
  /** How often it is pulled. */
  readonly everyMs: number;
  /** Days before today that every pull reads again, because the vendor still changes them. */
  readonly rereadDays: number;
  /** Days before today that the first pulls go back. */
  readonly backfillDays: number;
  /** Most days in one pull. */
  readonly windowDays: number;
}

/** What is to be expected of the rows, shown beside the form. */
export interface Capabilities {
  /** none: the vendor states no amounts, cost comes from observed calls. */
  readonly money: "billed" | "estimated" | "none";
  /** row: the vendor's rows name the person; directory: a key or login leads there; usage: only by shares of usage. */
  readonly person: "row" | "directory" | "usage" | "none";
  /** What the admin should know, one sentence each. */
  readonly notes: readonly string[];
}

/** Values of the form by field name, each held as a secret whether it is one or not. */
export type Credentials = Readonly<Record<string, Secret>>;

export interface ConnectContext {
  readonly credentials: Credentials;
  readonly clock: Clock;
  /** Makes a client for one of the vendor's addresses. */
  readonly open: (options: ClientOptions) => VendorHttp;
}

export interface Connection {
  /** In place of the schedule's, where these credentials reach reports that the vendor changes for longer. */
  readonly rereadDays?: number;
  /** A cheap call that only a good credential passes. Throws FS_UPSTREAM with the vendor's own words. */
  probe(signal: AbortSignal): Promise<ProbedAccount>;
  /**
   * All that the vendor knows of these days, in pages. Identities come before the lines that carry them. Throws
   * FS_UPSTREAM when the vendor fails; what came until then is good, and nothing more is said of the rest.
   */
  pull(window: DayWindow, signal: AbortSignal): AsyncIterable<Pulled>;
}

export interface ProbedAccount {
  /** The vendor's identifier of the organisation that the credential belongs to; null where no call states it. */
  readonly account: string | null;
}

/** UTC days, both included. */
export interface DayWindow {
  readonly from: UsageDate;
  readonly until: UsageDate;
}

export type Pulled =
  | { readonly type: "line"; readonly line: BillLine }
  | { readonly type: "usage"; readonly usage: VendorUsage }
  | { readonly type: "identity"; readonly identity: VendorIdentity }
  /** The feed has given all its lines of the window: what is stored and was not given again was withdrawn. */
  | { readonly type: "covered"; readonly feed: string };

/** One line of a vendor's bill. */
export interface BillLine {
  /** Which of the vendor's reports it comes from; part of the natural key. */
  readonly feed: string;
  /** Natural key within the feed: the same line has the same key in every pull, and no other has it. */
  readonly key: string;
  readonly grade: Exclude<Grade, "allocated">;
  readonly chargeCategory: ChargeCategory;
  readonly chargeFrequency: "Usage-Based" | "Recurring" | "One-Time";
  /** Catalogue id. */
  readonly service: string;
  /** The vendor's account, project or workspace that pays. */
  readonly account: string | null;
  readonly identity: { readonly kind: IdentityKind; readonly value: string | null };
  readonly day: UsageDate;
  readonly description: string;
  readonly amount: StatedAmount;
  /** Before discounts, where the vendor states it. */
  readonly listAmount: StatedAmount | null;
  readonly model: string | null;
  readonly sku: string | null;
  readonly tokens: VendorTokens | null;
  readonly requests: bigint | null;
  /** Decimal text of what was consumed where that is not tokens, and its unit. */
  readonly quantity: { readonly value: string; readonly unit: string } | null;
  /** The vendor's record; only its hash is kept. */
  readonly record: unknown;
}

/** Tokens by class, each counted once: `input` excludes cache. Null: not stated. */
export interface VendorTokens {
  readonly input: bigint | null;
  readonly output: bigint | null;
  readonly cacheRead: bigint | null;
  readonly cacheWrite: bigint | null;
}

/** Usage without money: it splits a bill that names no person. */
export interface VendorUsage {
  readonly feed: string;
  readonly key: string;
  readonly service: string;
  readonly day: UsageDate;
  /** The cell of the bill it belongs to: project or workspace, and key. */
  readonly account: string | null;
  readonly apiKey: string | null;
  readonly identity: { readonly kind: IdentityKind; readonly value: string | null };
  readonly model: string | null;
  readonly tokens: VendorTokens;
  readonly requests: bigint | null;
}

/** Whose a name is, as the vendor's own directory says. */
export interface VendorIdentity {
  /** Provider slug. */
  readonly provider: string;
  readonly kind: IdentityKind;
  readonly value: string;
  /** The person's e-mail; null where the vendor states none, as for a service account. */
  readonly email: string | null;
  /** What the vendor calls it. */
  readonly label: string | null;
}

/** A line with what most of them share: billed usage by use. */
export function billLine(
  given: Pick<
    BillLine,
    "feed" | "key" | "service" | "identity" | "day" | "description" | "amount" | "record"
  > &
    Partial<BillLine>,
): { readonly type: "line"; readonly line: BillLine } {
  return {
    type: "line",
    line: {
      grade: "billed",
      chargeCategory: "Usage",
      chargeFrequency: "Usage-Based",
      account: null,
      listAmount: null,
      model: null,
      sku: null,
      tokens: null,
      requests: null,
      quantity: null,
      ...given,
    },
  };
}
