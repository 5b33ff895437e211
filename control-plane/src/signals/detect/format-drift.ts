import { countFormatDevices, listFormats, type FormatName } from "../../usage/format-counts.ts";
import type { Detector, Finding } from "../finding.ts";
import { mostPerDay } from "../store-findings.ts";

/**
 * What one version of a tool writes, or what an API answers, and devices do not read any more: calls of it are missing.
 * One signal for a tool and version, or for an API and host, whichever captures met it and on however many devices.
 */
export const formatDrift: Detector = {
  types: ["format_drift"],
  cadence: "soon",
  async find({ db, orgId, from }) {
    const drifting = await listFormats(db, orgId, { from, limit: 2 * mostPerDay, driftingOnly: true });
    const findings: Finding[] = [];
    for (const [format, own] of Map.groupBy(drifting, nameOf)) {
      const [first] = own;
      if (first === undefined) continue;
      const { devices, driftingDevices } = await countFormatDevices(db, orgId, first, from);
      findings.push({
        type: "format_drift",
        severity: "WARN",
        subject: null,
        sessionId: null,
        service: null,
        about: format,
        occurrence: "",
        at: Math.max(...own.map(({ lastAt }) => lastAt)),
        evidence: {
          format,
          captures: own.map(({ capture }) => capture).sort(),
          devices,
          devicesNotReading: driftingDevices,
          answers: String(own.reduce((sum, { seen }) => sum + seen, 0n)),
          answersWithoutUsage: String(own.reduce((sum, { blank }) => sum + blank, 0n)),
          firstSeenAt: new Date(Math.min(...own.map(({ firstAt }) => firstAt))).toISOString(),
        },
      });
    }
    return findings;
  },
};

function nameOf({ tool, toolVersion, host }: FormatName): string {
  return host === null ? `${tool} ${toolVersion ?? "(unknown version)"}` : `${tool} API at ${host}`;
}
