import { FlowstateError } from "@flowstate/shared/errors";
import type { ChainedRecord } from "../../audit/chain.ts";
import { readAudit } from "../../audit/record.ts";
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
