import type { OutboxDepth } from "@flowstate/shared/outbox/outbox";
import type { Events } from "../events.ts";
import type { RefusalCounter } from "../meter/refusals.ts";

export interface MetricSources {
  readonly events: Events;
  readonly refusals: RefusalCounter;
  readonly openTunnels: number;
  readonly outbox: OutboxDepth;
  readonly snapshotRevision: number | null;
}

/** Prometheus text. Labels have few values and never hold a person or a host. */
export function renderMetrics({
  events,
  refusals,
  openTunnels,
  outbox,
  snapshotRevision,
}: MetricSources): string {
  return [
    ...metric(
      "flowstate_proxy_requests_total",
      "counter",
      "Tunnels and forwarded requests by outcome.",
      Array.from(events.outcomes, ([label, value]) => {
        const [kind = "", outcome = ""] = label.split(",");
        return [`{kind="${kind}",outcome="${outcome}"}`, value] as const;
      }),
    ),
    ...metric(
      "flowstate_proxy_refused_credentials_total",
      "counter",
      "Credentials refused by reason.",
      Array.from(refusals.totals, ([reason, value]) => [`{reason="${reason}"}`, value] as const),
    ),
    ...metric("flowstate_proxy_connections_total", "counter", "TLS connections from clients.", [
      ["", events.connections],
    ]),
    ...metric("flowstate_proxy_tls_failures_total", "counter", "TLS handshakes that failed.", [
      ["", events.tlsFailures],
    ]),
    ...metric("flowstate_proxy_clear_text_total", "counter", "Connections in clear text to the TLS port.", [
      ["", events.clearCredentials],
    ]),
    ...metric("flowstate_proxy_open_tunnels", "gauge", "Tunnels open now.", [["", openTunnels]]),
    ...metric("flowstate_proxy_outbox_rows", "gauge", "Meter rows that wait for the control plane.", [
      ["", outbox.rows],
    ]),
    ...metric("flowstate_proxy_outbox_bytes", "gauge", "Size of the meter rows that wait.", [
      ["", outbox.bytes],
    ]),
    ...metric(
      "flowstate_proxy_snapshot_revision",
      "gauge",
      "Revision of the key snapshot; absent before the first.",
      snapshotRevision === null ? [] : [["", snapshotRevision]],
    ),
    "",
  ].join("\n");
}

function metric(
  name: string,
  type: string,
  help: string,
  samples: readonly (readonly [labels: string, value: number])[],
): string[] {
  return [
    `# HELP ${name} ${help}`,
    `# TYPE ${name} ${type}`,
    ...samples.map(([labels, value]) => `${name}${labels} ${value}`),
  ];
}
