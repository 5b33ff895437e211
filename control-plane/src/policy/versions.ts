import { FlowstateError } from "@flowstate/shared/errors";
import type { OrgId } from "@flowstate/shared/ids";
import type { PolicyDocument } from "@flowstate/shared/policy/document";
import { parsePolicyDocument, type ParsedPolicy } from "@flowstate/shared/policy/parse";
import { recordAudit, type AuditAction } from "../audit/record.ts";
import { raiseRevision } from "../orgs/orgs.ts";
import type { Reader, Writer } from "../store/open.ts";
import { diffPolicies, printDiff } from "./diff.ts";
import { notePushed } from "./push.ts";
import { readActivePolicy, readPolicy, type PolicyVersion } from "./queries.ts";
import { loadScopeNames, resolveScopes } from "./scopes.ts";

export interface PolicyChangeContext {
  readonly orgId: OrgId;
  readonly actor: string;
  readonly now: number;
}

const longestNote = 2000;

/** Reads a policy against the organisation's teams and accounts: it, or every fault in a sentence. */
export async function checkPolicy(db: Reader, orgId: OrgId, text: string): Promise<ParsedPolicy> {
  const parsed = parsePolicyDocument(text);
  return parsed.ok ? resolveScopes(parsed.value, await loadScopeNames(db, orgId)) : parsed;
}

/** The policy of that text. Throws FS_INPUT_INVALID with the first fault, and all of them in its details. */
export async function requirePolicy(db: Reader, orgId: OrgId, text: string): Promise<PolicyDocument> {
  const checked = await checkPolicy(db, orgId, text);
  if (checked.ok) return checked.value;
  const [first, ...rest] = checked.faults;
  const more = rest.length === 0 ? "" : ` (and ${rest.length} more)`;
  throw new FlowstateError("FS_INPUT_INVALID", `${first}${more}`, { details: { faults: checked.faults } });
}

/** Keeps a policy as the next version, which changes nothing until it is activated. Returns its number. */
export async function draftPolicy(
  db: Writer,
  context: PolicyChangeContext,
  { text, note }: { readonly text: string; readonly note: string | null },
): Promise<number> {
  const document = await requirePolicy(db, context.orgId, text);
  return keepDraft(db, context, document, note, "policy.drafted");
}

/** Drafts a copy of an earlier version, so that what was once in force can be again. Throws FS_NOT_FOUND, FS_CONFLICT. */
export async function rollBackPolicy(
  db: Writer,
  context: PolicyChangeContext,
  { version, note }: { readonly version: number; readonly note: string | null },
): Promise<number> {
  const old = await requireVersion(db, context.orgId, version);
  if (old.state !== "ARCHIVED") {
    const why = old.state === "ACTIVE" ? "is the active one" : "was never active";
    throw new FlowstateError("FS_CONFLICT", `policy ${version} ${why}: there is nothing to go back to`);
  }
  const names = await loadScopeNames(db, context.orgId);
  const document = stillValid(version, resolveScopes(old.document, names));
  return keepDraft(db, context, document, note ?? `back to version ${version}`, "policy.rolled_back");
}

/**
 * Puts a draft in force. The version active before is archived in the same transaction, and proxies are told. Throws
 * FS_NOT_FOUND, and FS_CONFLICT for a version that is no draft or names what is gone.
 */
export async function activatePolicy(
  db: Writer,
  context: PolicyChangeContext,
  version: number,
): Promise<void> {
  const { orgId, actor, now } = context;
  await lockPolicies(db, orgId);
  const draft = await requireVersion(db, orgId, version);
  if (draft.state !== "DRAFT") throw notADraft(draft);
  stillValid(version, resolveScopes(draft.document, await loadScopeNames(db, orgId)));
  const before = await readActivePolicy(db, orgId);
  if (before !== null) await setState(db, orgId, before.version, { state: "ARCHIVED", archived_at: now });
  await setState(db, orgId, version, { state: "ACTIVE", activated_at: now, activated_by: actor });
  await notePushed(db, orgId, now);
  await raiseRevision(db, orgId);
  const instead = before === null ? "" : `instead of version ${before.version}: `;
  const changes = printDiff(diffPolicies(before?.document ?? nothing, draft.document));
  await audit(db, context, "policy.activated", version, `${instead}${changes}`);
}

/** Throws a draft away. False where there is no draft of that number. */
export async function discardPolicyDraft(
  db: Writer,
  context: PolicyChangeContext,
  version: number,
): Promise<boolean> {
  await lockPolicies(db, context.orgId);
  const { numDeletedRows } = await db
    .deleteFrom("policy_versions")
    .where("org_id", "=", context.orgId)
    .where("version", "=", BigInt(version))
    .where("state", "=", "DRAFT")
    .executeTakeFirst();
  if (numDeletedRows === 0n) return false;
  await audit(db, context, "policy.discarded", version, null);
  return true;
}

/** A version by its number. Throws FS_NOT_FOUND. */
export async function requireVersion(db: Reader, orgId: OrgId, version: number): Promise<PolicyVersion> {
  const found = await readPolicy(db, orgId, version);
  if (found === null) throw new FlowstateError("FS_NOT_FOUND", `there is no policy ${version}`);
  return found;
}

const nothing: PolicyDocument = { rules: [] };

async function keepDraft(
  db: Writer,
  context: PolicyChangeContext,
  document: PolicyDocument,
  note: string | null,
  action: AuditAction,
): Promise<number> {
  const { orgId, actor, now } = context;
  const why = note?.trim() ?? "";
  if (why.length > longestNote) {
    throw new FlowstateError("FS_INPUT_INVALID", `note: at most ${longestNote} characters`);
  }
  const version = (await lockPolicies(db, orgId)) + 1;
  await db
    .updateTable("policy_heads")
    .set({ newest_version: BigInt(version) })
    .where("org_id", "=", orgId)
    .execute();
  const base = await readActivePolicy(db, orgId);
  await db
    .insertInto("policy_versions")
    .values({
      org_id: orgId,
      version: BigInt(version),
      state: "DRAFT",
      document: JSON.stringify(document),
      note: why === "" ? null : why,
      base_version: base === null ? null : BigInt(base.version),
      drafted_at: now,
      drafted_by: actor,
      activated_at: null,
      activated_by: null,
      archived_at: null,
    })
    .execute();
  const changes = printDiff(diffPolicies(base?.document ?? nothing, document));
  await audit(db, context, action, version, changes);
  return version;
}

/** Makes changes of one organisation's policies follow each other. Returns the last number given. */
async function lockPolicies(db: Writer, orgId: OrgId): Promise<number> {
  const { newest_version } = await db
    .insertInto("policy_heads")
    .values({ org_id: orgId, newest_version: 0n, pushed: "" })
    .onConflict((on) => on.column("org_id").doUpdateSet({ org_id: orgId }))
    .returning("newest_version")
    .executeTakeFirstOrThrow();
  return Number(newest_version);
}

/** What a version refers to may have gone since it was written. */
function stillValid(version: number, checked: ParsedPolicy): PolicyDocument {
  if (checked.ok) return checked.value;
  throw new FlowstateError("FS_CONFLICT", `policy ${version}: ${checked.faults[0]}`, {
    details: { faults: checked.faults },
  });
}

function notADraft({ version, state }: PolicyVersion): FlowstateError {
  const said =
    state === "ACTIVE" ? "is active already" : "was replaced; roll back to it, which drafts a copy";
  return new FlowstateError("FS_CONFLICT", `policy ${version} ${said}`);
}

async function setState(
  db: Writer,
  orgId: OrgId,
  version: number,
  values: {
    readonly state: PolicyVersion["state"];
    readonly activated_at?: number;
    readonly activated_by?: string;
    readonly archived_at?: number;
  },
): Promise<void> {
  await db
    .updateTable("policy_versions")
    .set(values)
    .where("org_id", "=", orgId)
    .where("version", "=", BigInt(version))
    .execute();
}

async function audit(
  db: Writer,
  { orgId, actor, now }: PolicyChangeContext,
  action: AuditAction,
  version: number,
  detail: string | null,
): Promise<void> {
  await recordAudit(db, { orgId, at: now, actor, action, target: `policy ${version}`, detail });
}
