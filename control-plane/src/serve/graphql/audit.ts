import { FlowstateError } from "@flowstate/shared/errors";
import type { ChainedRecord } from "../../audit/chain.ts";
import { readAudit } from "../../audit/record.ts";
import { verifyAudit, type AuditVerdict } from "../../audit/verify.ts";
import { callerOf, type Builder } from "./builder.ts";

const mostEntries = 1000;

export function addAudit(builder: Builder): void {
  const Entry = builder.objectRef<ChainedRecord>("AuditEntry").implement({
    description: "one entry of the append-only audit log",
    fields: (t) => ({
      sequence: t.expose("sequence", { type: "BigInt", description: "grows by one with each entry" }),
      at: t.expose("at", { type: "DateTime", description: "when it happened" }),
      actor: t.exposeString("actor", { description: "who did it" }),
      action: t.exposeString("action", { description: "what was done, for example org_key.provisioned" }),
      target: t.exposeString("target", { nullable: true, description: "to what or whom" }),
      detail: t.exposeString("detail", { nullable: true, description: "what else is worth knowing" }),
      hash: t.exposeString("hash", {
        description: "SHA-256 over the entry and the hash of the one before",
      }),
    }),
  });

  const Verdict = builder.objectRef<AuditVerdict>("AuditVerification").implement({
    description: "whether the chain of the audit log is whole",
    fields: (t) => ({
      intact: t.exposeBoolean("intact", { description: "whether every entry is as it was written" }),
      entries: t.field({
        type: "BigInt",
        nullable: true,
        description: "how many there are; null where the chain is broken",
        resolve: (verdict) => (verdict.intact ? verdict.entries : null),
      }),
      brokenAt: t.field({
        type: "BigInt",
        nullable: true,
        description: "sequence of the first entry that is not; null where all are",
        resolve: (verdict) => (verdict.intact ? null : verdict.sequence),
      }),
      fault: t.string({
        nullable: true,
        description: "changed or missing; null where nothing is",
        resolve: (verdict) => (verdict.intact ? null : verdict.fault),
      }),
    }),
  });

  builder.queryField("auditVerification", (t) =>
    t.field({
      type: Verdict,
      description: "follows the chain of the audit log from its first entry",
      authScopes: { permission: "AUDIT_VIEW" },
      resolve: (_, __, context) => verifyAudit(context.store.reader, callerOf(context, "AUDIT_VIEW").orgId),
    }),
  );

  builder.queryField("auditLog", (t) =>
    t.field({
      type: [Entry],
      description: "the audit log, the newest entry first",
      authScopes: { permission: "AUDIT_VIEW" },
      args: {
        limit: t.arg.int({ defaultValue: 100, description: `how many entries, from 1 to ${mostEntries}` }),
      },
      resolve: (_, { limit }, context) => {
        const newest = limit ?? 100;
        if (newest < 1 || newest > mostEntries) {
          throw new FlowstateError("FS_INPUT_INVALID", `limit: expected 1 to ${mostEntries}`);
        }
        return readAudit(context.store.reader, callerOf(context, "AUDIT_VIEW").orgId, { newest });
      },
    }),
  );
}
