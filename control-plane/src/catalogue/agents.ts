import { FlowstateError } from "@flowstate/shared/errors";
import { newId, type OrgId } from "@flowstate/shared/ids";
import { formatUsd, parseDecimal, type NanoUsd } from "@flowstate/shared/money";
import type { Period, UsageDate } from "@flowstate/shared/time";
import { recordAudit } from "../audit/record.ts";
import { loadRates, toUsd } from "../billing/exchange.ts";
import { multiplyDecimals, stateAmount, type StatedAmount } from "../providers/amount.ts";
import type { Reader, Writer } from "../store/open.ts";
import { catalogueServices } from "./services.data.ts";
import type { CatalogueTables } from "./tables.ts";

/** A planned or invoiced month of an AI tool, entered by hand. */
export interface AiAgentEntry {
  readonly orgId: OrgId;
  readonly entryId: string;
  readonly projectId: string | null;
  readonly name: string;
  readonly service: string | null;
  readonly period: Period;
  readonly amountUsd: NanoUsd;
  readonly currencyCode: string;
  readonly monthlyPerSeatPrice: string | null;
  readonly inputTokenPricePer1M: string | null;
  readonly outputTokenPricePer1M: string | null;
  readonly monthlyIncludedInputTokens: bigint | null;
  readonly monthlyIncludedOutputTokens: bigint | null;
  readonly teamIds: readonly string[];
  readonly note: string | null;
}

export interface NewAiAgentEntry extends Omit<AiAgentEntry, "orgId" | "entryId" | "amountUsd"> {
  /** The month's invoice in US dollars; where it is null, seats x price is the amount. */
  readonly amountUsd: NanoUsd | null;
  readonly seats: number | null;
}

/**
 * Records the cost of one month. The same name, project and month entered again takes the place of the entry before,
 * which stays in the audit log. Throws FS_INPUT_INVALID, FS_NOT_FOUND.
 */
export async function enterAgentCost(
  db: Writer,
  { orgId, actor, now }: { readonly orgId: OrgId; readonly actor: string; readonly now: number },
  entry: NewAiAgentEntry,
): Promise<AiAgentEntry> {
  const name = entry.name.trim();
  if (name === "" || name.length > 100) throw refused("name takes 1 to 100 characters");
  if ((entry.note ?? "").length > 1000) throw refused("note takes up to 1000 characters");
  await requireKnown(db, orgId, entry);
  const currency = entry.currencyCode.trim().toUpperCase();
  const stated = stateEntry(entry);
  const { nanoUsd, rate } = toUsd(stated, `${entry.period}-01` as UsageDate, await loadRates(db, orgId));
  const values = {
    project_id: entry.projectId,
    name,
    service: entry.service,
    period: entry.period,
    amount_nano_usd: nanoUsd,
    currency,
    exchange_rate: rate?.usd ?? null,
    seats: entry.seats === null ? null : BigInt(entry.seats),
    monthly_per_seat_price: entry.monthlyPerSeatPrice,
    input_token_price_per_1m: entry.inputTokenPricePer1M,
    output_token_price_per_1m: entry.outputTokenPricePer1M,
    monthly_included_input_tokens: entry.monthlyIncludedInputTokens,
    monthly_included_output_tokens: entry.monthlyIncludedOutputTokens,
    team_ids: JSON.stringify(entry.teamIds),
    note: entry.note,
    entered_by: actor,
    entered_at: now,
  };
  const before = await db
    .selectFrom("ai_agent_entries")
    .select("entry_id")
    .where("org_id", "=", orgId)
    .where("name", "=", name)
    .where("period", "=", entry.period)
    .where((row) =>
      entry.projectId === null ? row("project_id", "is", null) : row("project_id", "=", entry.projectId),
    )
    .executeTakeFirst();
  const entry_id = before?.entry_id ?? newId(now);
  await db
    .insertInto("ai_agent_entries")
    .values({ org_id: orgId, entry_id, ...values })
    .onConflict((on) => on.columns(["org_id", "entry_id"]).doUpdateSet(values))
    .execute();
  const detail = `${name}, ${entry.period}: ${formatUsd(nanoUsd)} USD (${stated.text} ${stated.currency})`;
  await recordAudit(db, { orgId, at: now, actor, action: "ai_agent_cost.entered", target: entry_id, detail });
  return toEntry({ org_id: orgId, entry_id, ...values });
}

/** Entries of a month, or of all, the newest month first. */
export async function listAgentCosts(
  db: Reader,
  orgId: OrgId,
  period: Period | null,
): Promise<readonly AiAgentEntry[]> {
  const all = db.selectFrom("ai_agent_entries").selectAll().where("org_id", "=", orgId);
  const rows = await (period === null ? all : all.where("period", "=", period))
    .orderBy("period", "desc")
    .orderBy("name")
    .orderBy("entry_id")
    .execute();
  return rows.map(toEntry);
}

/** The amount that an entry states: the invoice in US dollars, or seats x price in the entry's currency. */
function stateEntry({ amountUsd, seats, monthlyPerSeatPrice, ...entry }: NewAiAgentEntry): StatedAmount {
  const prices = {
    monthlyPerSeatPrice,
    inputTokenPricePer1M: entry.inputTokenPricePer1M,
    outputTokenPricePer1M: entry.outputTokenPricePer1M,
  };
  for (const [field, price] of Object.entries(prices)) {
    const parsed = price === null ? null : parseDecimal(price, 12);
    if (parsed?.ok === false) throw refused(`${field}: ${parsed.detail}`);
    if (parsed?.ok === true && parsed.value < 0n) throw refused(`${field} is less than 0`);
  }
  if (!/^[A-Z]{3}$/.test(entry.currencyCode.trim().toUpperCase())) {
    throw refused(`currencyCode: "${entry.currencyCode.slice(0, 10)}" is not a currency code such as USD`);
  }
  if (seats !== null && (seats < 0 || seats > 10_000_000)) throw refused("seats takes 0 to 10,000,000");
  if (amountUsd !== null) return { text: formatUsd(amountUsd), currency: "USD" };
  if (seats === null || monthlyPerSeatPrice === null) {
    throw refused("give amountUsd, or seats and monthlyPerSeatPrice");
  }
  const stated = stateAmount(multiplyDecimals(monthlyPerSeatPrice, String(seats)), entry.currencyCode);
  if (!stated.ok) throw refused(`currencyCode: ${stated.detail}`);
  return stated.value;
}

async function requireKnown(
  db: Reader,
  orgId: OrgId,
  { projectId, service, teamIds }: NewAiAgentEntry,
): Promise<void> {
  if (service !== null && !catalogueServices.some(({ id }) => id === service)) {
    throw refused(`"${service.slice(0, 40)}" is not a service of the catalogue`);
  }
  if (projectId !== null) {
    const project = await db
      .selectFrom("projects")
      .select("project_id")
      .where("org_id", "=", orgId)
      .where("project_id", "=", projectId)
      .executeTakeFirst();
    if (project === undefined) throw missing("project", projectId);
  }
  const known = await readTeams(db, orgId, teamIds);
  const stranger = teamIds.find((id) => !known.has(id));
  if (stranger !== undefined) throw missing("team", stranger);
}

async function readTeams(db: Reader, orgId: OrgId, ids: readonly string[]): Promise<ReadonlySet<string>> {
  if (ids.length === 0) return new Set();
  const rows = await db
    .selectFrom("teams")
    .select("team_id")
    .where("org_id", "=", orgId)
    .where("team_id", "in", [...ids])
    .execute();
  return new Set(rows.map(({ team_id }) => team_id));
}

function toEntry(row: CatalogueTables["ai_agent_entries"]): AiAgentEntry {
  return {
    orgId: row.org_id as OrgId,
    entryId: row.entry_id,
    projectId: row.project_id,
    name: row.name,
    service: row.service,
    period: row.period as Period,
    amountUsd: row.amount_nano_usd as NanoUsd,
    currencyCode: row.currency,
    monthlyPerSeatPrice: row.monthly_per_seat_price,
    inputTokenPricePer1M: row.input_token_price_per_1m,
    outputTokenPricePer1M: row.output_token_price_per_1m,
    monthlyIncludedInputTokens: row.monthly_included_input_tokens,
    monthlyIncludedOutputTokens: row.monthly_included_output_tokens,
    teamIds: JSON.parse(row.team_ids) as readonly string[],
    note: row.note,
  };
}

function refused(message: string): FlowstateError {
  return new FlowstateError("FS_INPUT_INVALID", message);
}

function missing(what: string, id: string): FlowstateError {
  return new FlowstateError("FS_NOT_FOUND", `there is no ${what} "${id.slice(0, 40)}"`);
}
