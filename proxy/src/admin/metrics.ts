/** What one process of the proxy counts, as plain data: several add up. */
export interface ProxyStatus {
  /** By `connect` or `forward`, a comma, and the outcome. */
  readonly outcomes: Readonly<Record<string, number>>;
  readonly refusals: Readonly<Record<string, number>>;
  readonly connections: number;
  readonly tlsFailures: number;
  readonly clearText: number;
  readonly openTunnels: number;
  readonly outboxRows: number;
  readonly outboxBytes: number;
  /** Null before the first snapshot. */
  readonly snapshotRevision: number | null;
  readonly certificateExpiresAt: number;
}

/** The sum of several processes; of revisions and certificates the oldest. */
export function addStatuses(first: ProxyStatus, ...rest: readonly ProxyStatus[]): ProxyStatus {
  const all = [first, ...rest];
  const sum = (of: (status: ProxyStatus) => number): number =>
    all.reduce((total, status) => total + of(status), 0);
  const revisions = all.map(({ snapshotRevision }) => snapshotRevision);
  return {
    outcomes: addCounts(all.map(({ outcomes }) => outcomes)),
    refusals: addCounts(all.map(({ refusals }) => refusals)),
    connections: sum((status) => status.connections),
    tlsFailures: sum((status) => status.tlsFailures),
    clearText: sum((status) => status.clearText),
    openTunnels: sum((status) => status.openTunnels),
    outboxRows: sum((status) => status.outboxRows),
    outboxBytes: sum((status) => status.outboxBytes),
    snapshotRevision: revisions.reduce((a, b) => (a === null || b === null ? null : Math.min(a, b))),
    certificateExpiresAt: Math.min(...all.map(({ certificateExpiresAt }) => certificateExpiresAt)),
  };
}

/** What stays true of a process that is gone: its counters. */
export function withoutGauges(status: ProxyStatus): ProxyStatus {
  return {
    ...status,
    openTunnels: 0,
    outboxRows: 0,
    outboxBytes: 0,
    snapshotRevision: Number.MAX_SAFE_INTEGER,
    certificateExpiresAt: Number.POSITIVE_INFINITY,
  };
}

/** Sums counts by name. */
export function addCounts(all: readonly Readonly<Record<string, number>>[]): Record<string, number> {
  const total: Record<string, number> = {};
  for (const [name, count] of all.flatMap((one) => Object.entries(one)))
    total[name] = (total[name] ?? 0) + count;
  return total;
}

/** Prometheus text. Labels have few values and never hold a person or a host. */
export function renderMetrics(status: ProxyStatus): string {
  return [
    ...metric(
      "flowstate_proxy_requests_total",
      "counter",
      "Tunnels and forwarded requests by outcome.",
      Object.entries(status.outcomes).map(([label, value]) => {
        const [kind = "", outcome = ""] = label.split(",");
        return [`{kind="${kind}",outcome="${outcome}"}`, value] as const;
      }),
    ),
    ...metric(
      "flowstate_proxy_refused_credentials_total",
      "counter",
      "Credentials refused by reason.",
      Object.entries(status.refusals).map(([reason, value]) => [`{reason="${reason}"}`, value] as const),
    ),
    ...metric("flowstate_proxy_connections_total", "counter", "TLS connections from clients.", [
      ["", status.connections],
    ]),
    ...metric("flowstate_proxy_tls_failures_total", "counter", "TLS handshakes that failed.", [
      ["", status.tlsFailures],
    ]),
    ...metric("flowstate_proxy_clear_text_total", "counter", "Connections in clear text to the TLS port.", [
      ["", status.clearText],
    ]),
    ...metric("flowstate_proxy_open_tunnels", "gauge", "Tunnels open now.", [["", status.openTunnels]]),
    ...metric("flowstate_proxy_outbox_rows", "gauge", "Meter rows that wait for the control plane.", [
      ["", status.outboxRows],
    ]),
    ...metric("flowstate_proxy_outbox_bytes", "gauge", "Size of the meter rows that wait.", [
      ["", status.outboxBytes],
    ]),
    ...metric(
      "flowstate_proxy_snapshot_revision",
      "gauge",
      "Revision of the key snapshot; absent before the first.",
      status.snapshotRevision === null ? [] : [["", status.snapshotRevision]],
    ),
    ...metric(
      "flowstate_proxy_certificate_expires_timestamp_seconds",
      "gauge",
      "When the listener's certificate expires.",
      [["", Math.floor(status.certificateExpiresAt / 1000)]],
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
