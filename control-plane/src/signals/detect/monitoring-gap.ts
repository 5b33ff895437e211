import { dayMs } from "@flowstate/shared/time";
import { listServices } from "../../catalogue/catalogue.ts";
import type { Detector } from "../finding.ts";

/** A gap that lasts is said again after so long. */
const repeatDays = 28;

/** The inventory's own rule: connected or billed, and silent for 14 days. */
export const monitoringGap: Detector = {
  types: ["monitoring_gap"],
  cadence: "nightly",
  async find({ db, orgId, now }) {
    const services = await listServices(db, orgId, now);
    return services
      .filter(({ flags }) => flags.includes("MONITORING_GAP"))
      .map(({ id, name, lastSeenAt, lastBilledAt }) => ({
        type: "monitoring_gap",
        severity: "WARN",
        subject: null,
        sessionId: null,
        service: id,
        about: "",
        // A new silence is another occurrence, and so is every fourth week of an old one.
        occurrence: `${lastSeenAt ?? 0} ${Math.floor((now - (lastSeenAt ?? 0)) / (repeatDays * dayMs))}`,
        at: now,
        evidence: {
          service: name,
          lastSeenAt: lastSeenAt === null ? null : new Date(lastSeenAt).toISOString(),
          lastBilledAt: lastBilledAt === null ? null : new Date(lastBilledAt).toISOString(),
        },
      }));
  },
};
