import { FlowstateError } from "@flowstate/shared/errors";
import { parseSubject } from "@flowstate/shared/subject";
import { periodBounds, periodOf, type Period } from "@flowstate/shared/time";
import { provisionOrgKey } from "../../keys/provision.ts";
import { setQuota } from "../../proxy-status/quotas.ts";
import type { ConnectionState, StatusReading } from "../../proxy-status/status.ts";
import { readSubjectHosts, readSubjectMeter, type SubjectMonth } from "../../proxy-status/subject-meter.ts";
import { callerOf, changeBy, commit, type Builder } from "./builder.ts";

interface MeterRow extends SubjectMonth {
  readonly period: Period;
}

/** The cloud proxy: its key, its status card, and who came through it. */
export function addCloudProxy(builder: Builder): void {
  const State = builder.enumType("ConnectionState", {
    description: "how far the set-up of the cloud proxy has come",
    values: {
      NOT_CONFIGURED: { description: "no active organisation key" },
      PENDING: { description: "a key, but no successful request yet" },
      ACTIVE: { description: "a successful request was seen" },
    } satisfies Record<ConnectionState, { description: string }>,
  });

  const Status = builder.objectRef<StatusReading>("CloudProxyStatus").implement({
    description: "the status card of the cloud proxy",
    fields: (t) => ({
      state: t.field({
        type: State,
        description: "how far the set-up has come",
        resolve: ({ status }) => status.state,
      }),
      proxyUrl: t.string({
        description: "where devices send their traffic, without the credentials",
        resolve: (_, __, { proxyUrl }) => proxyUrl,
      }),
      keyId: t.string({
        nullable: true,
        description: "id of the active organisation key; the key itself was shown once",
        resolve: ({ status }) => status.keyId,
      }),
      keyProvisionedAt: t.field({
        type: "DateTime",
        nullable: true,
        description: "when the active key was provisioned",
        resolve: ({ status }) => status.keyProvisionedAt,
      }),
      firstSeenAt: t.field({
        type: "DateTime",
        nullable: true,
        description: "first successful use of the proxy",
        resolve: ({ status }) => status.firstSeenAt,
      }),
      lastCaptureAt: t.field({
        type: "DateTime",
        nullable: true,
        description: "last successful use of the proxy",
        resolve: ({ status }) => status.lastCaptureAt,
      }),
      stale: t.boolean({
        description: "whether this is the last known state, because the live one could not be read",
        resolve: ({ stale }) => stale,
      }),
    }),
  });

  const Row = builder.objectRef<MeterRow>("SubjectMeterRow").implement({
    description: "one subject's use of the cloud proxy in one calendar month",
    fields: (t) => ({
      subject: t.exposeString("subject", { description: "work e-mail in canonical form" }),
      requests: t.expose("requests", {
        type: "BigInt",
        description: "exact and estimated requests together",
      }),
      estimatedRequests: t.expose("estimatedRequests", {
        type: "BigInt",
        description: "part of requests that was estimated from encrypted traffic",
      }),
      tunnels: t.expose("tunnels", { type: "BigInt", description: "tunnels that were opened" }),
      failedTunnels: t.expose("failedTunnels", {
        type: "BigInt",
        description: "tunnels that could not be opened",
      }),
      bytesUp: t.expose("bytesUp", { type: "BigInt", description: "bytes from the device" }),
      bytesDown: t.expose("bytesDown", { type: "BigInt", description: "bytes to the device" }),
      quota: t.expose("quota", {
        type: "BigInt",
        nullable: true,
        description: "requests a month; null where there is no quota",
      }),
      overageUnits: t.expose("overageUnits", { type: "BigInt", description: "requests beyond the quota" }),
      firstSeenAt: t.expose("firstSeenAt", { type: "DateTime", description: "first activity in the month" }),
      lastSeenAt: t.expose("lastSeenAt", { type: "DateTime", description: "last activity in the month" }),
      hosts: t.stringList({
        description: "hosts reached in the month, the busiest first",
        resolve: ({ subject, period }, _, context) =>
          readSubjectHosts(
            context.store.reader,
            callerOf(context, "AI_INSIGHTS_VIEW").orgId,
            subject,
            periodBounds(period),
          ),
      }),
    }),
  });

  const Reveal = builder
    .objectRef<{ key: string; keyId: string; revokedKeyId: string | null }>("OrgKeyReveal")
    .implement({
      description: "a new organisation key",
      fields: (t) => ({
        key: t.exposeString("key", { description: "clear text, shown this once" }),
        keyId: t.exposeString("keyId", { description: "the part that is shown from now on" }),
        revokedKeyId: t.exposeString("revokedKeyId", {
          nullable: true,
          description: "id of the key that this one replaced",
        }),
      }),
    });

  builder.queryFields((t) => ({
    cloudProxyStatus: t.field({
      type: Status,
      description: "the status card of the cloud proxy",
      authScopes: { permission: "SETTINGS_INTEGRATIONS_VIEW" },
      resolve: (_, __, context) => context.statusCard(callerOf(context, "SETTINGS_INTEGRATIONS_VIEW").orgId),
    }),
    subjectMeter: t.field({
      type: [Row],
      description: "who came through the cloud proxy in a month",
      authScopes: { permission: "AI_INSIGHTS_VIEW" },
      args: { period: t.arg({ type: "Period", description: "the current month where it is left out" }) },
      resolve: async (_, { period: asked }, context) => {
        const period = asked ?? periodOf(context.clock.now());
        const { orgId } = callerOf(context, "AI_INSIGHTS_VIEW");
        const rows = await readSubjectMeter(context.store.reader, orgId, period);
        return rows.map((row) => ({ ...row, period }));
      },
    }),
  }));

  builder.mutationFields((t) => ({
    provisionOrgKey: t.field({
      type: Reveal,
      description: "provisions, or rotates: the active key before it is revoked in the same transaction",
      authScopes: { permission: "SETTINGS_INTEGRATIONS_UPDATE" },
      resolve: (_, __, context) => {
        const change = changeBy(callerOf(context, "SETTINGS_INTEGRATIONS_UPDATE"), context);
        return commit(context, (db) => provisionOrgKey(db, change));
      },
    }),
    setSubjectQuota: t.boolean({
      description: "sets or removes the requests a subject may make in a month",
      authScopes: { permission: "SETTINGS_INTEGRATIONS_UPDATE" },
      args: {
        subject: t.arg.string({ description: "left out: everybody without a quota of their own" }),
        quota: t.arg({ type: "BigInt", description: "left out: no quota" }),
      },
      resolve: async (_, { subject, quota }, context) => {
        const change = {
          ...changeBy(callerOf(context, "SETTINGS_INTEGRATIONS_UPDATE"), context),
          subject: requireSubject(subject ?? null),
          quota: requireQuota(quota ?? null),
        };
        await commit(context, (db) => setQuota(db, change));
        return true;
      },
    }),
  }));
}

function requireSubject(given: string | null): string | null {
  if (given === null) return null;
  const subject = parseSubject(given);
  if (subject.ok) return subject.value;
  throw new FlowstateError("FS_INPUT_INVALID", `subject: ${subject.detail}`);
}

/** The wire's default quota is a JSON number, so that none is larger than one holds exactly. */
function requireQuota(given: bigint | null): bigint | null {
  if (given === null || (given > 0n && given <= BigInt(Number.MAX_SAFE_INTEGER))) return given;
  throw new FlowstateError("FS_INPUT_INVALID", "quota: expected a whole number of 1 or more, or none");
}
