import { fields, id, items, name, type Fields } from "../files/json.ts";

/** One log record or span, with what its emitter says of itself. */
export interface OtlpEvent {
  /** `service.name` and `service.version` of the resource; a service without a name is "unknown". */
  readonly service: string;
  readonly version: string | null;
  /** Every name it may go by, the emitter's own first. */
  readonly names: readonly string[];
  /** UTC epoch milliseconds at which it ended; null where it does not say. */
  readonly endedAt: number | null;
  /** Null for log records, which have no length of their own. */
  readonly startedAt: number | null;
  /** Trace and span, by which a span and a log record of one operation find each other. */
  readonly span: string | null;
  /** Attributes of the record, over those of its resource: texts, numbers and truth values only. */
  readonly attributes: Fields;
}

/** One point of a sum. */
export interface OtlpPoint {
  readonly service: string;
  readonly name: string;
  readonly attributes: Fields;
  readonly value: number;
  /** Cumulative points of one series count on from `startedAt`, and start again when it changes. */
  readonly isCumulative: boolean;
  readonly startedAt: string;
}

/** The events of a logs or a traces request. Never throws, whatever the request holds. */
export function readEvents(request: Fields): readonly OtlpEvent[] {
  const read: OtlpEvent[] = [];
  const each = (resources: string, scopes: string, records: string, of: (record: Fields) => Own): void => {
    for (const item of items(request[resources])) {
      const { resource, [scopes]: scoped } = fields(item);
      const shared = readAttributes(fields(resource)["attributes"]);
      for (const record of items(scoped).flatMap((one) => items(fields(one)[records]))) {
        const { attributes, ...own } = of(fields(record));
        read.push({
          service: name(shared["service.name"]) ?? "unknown",
          version: name(shared["service.version"]),
          ...own,
          attributes: { ...shared, ...attributes },
        });
      }
    }
  };
  each("resourceLogs", "scopeLogs", "logRecords", readLogRecord);
  each("resourceSpans", "scopeSpans", "spans", readSpan);
  return read;
}

type Own = Omit<OtlpEvent, "service" | "version">;

function readLogRecord(record: Fields): Own {
  const attributes = readAttributes(record["attributes"]);
  const body = fields(record["body"])["stringValue"];
  const names = [record["eventName"], attributes["event.name"], body].map((one) => id(one));
  return {
    names: names.filter((one) => one !== null),
    endedAt: readNano(record["timeUnixNano"]) ?? readNano(record["observedTimeUnixNano"]),
    startedAt: null,
    span: spanOf(record),
    attributes,
  };
}

function readSpan(record: Fields): Own {
  const spanName = id(record["name"]);
  return {
    names: spanName === null ? [] : [spanName],
    endedAt: readNano(record["endTimeUnixNano"]),
    startedAt: readNano(record["startTimeUnixNano"]),
    span: spanOf(record),
    attributes: readAttributes(record["attributes"]),
  };
}

/** The sums of a metrics request. Never throws, whatever the request holds. */
export function readPoints(request: Fields): readonly OtlpPoint[] {
  return items(request["resourceMetrics"]).flatMap((item) => {
    const { resource, scopeMetrics } = fields(item);
    const shared = readAttributes(fields(resource)["attributes"]);
    const service = name(shared["service.name"]) ?? "unknown";
    return items(scopeMetrics)
      .flatMap((one) => items(fields(one)["metrics"]))
      .flatMap((one) => readMetric(fields(one), service));
  });
}

const cumulative = 2;

function readMetric(metric: Fields, service: string): readonly OtlpPoint[] {
  const metricName = name(metric["name"]);
  const { dataPoints, aggregationTemporality } = fields(metric["sum"]);
  if (metricName === null) return [];
  return items(dataPoints).flatMap((item) => {
    const point = fields(item);
    const started = point["startTimeUnixNano"];
    const given = point["asInt"] ?? point["asDouble"];
    const value = isPlain(given) ? Number(given) : Number.NaN;
    if (!Number.isFinite(value)) return [];
    return {
      service,
      name: metricName,
      attributes: readAttributes(point["attributes"]),
      value,
      isCumulative:
        aggregationTemporality === cumulative ||
        aggregationTemporality === "AGGREGATION_TEMPORALITY_CUMULATIVE",
      startedAt: isPlain(started) ? String(started) : "",
    };
  });
}

/** Lists and maps are left out: no count and no name stands in one. */
function readAttributes(list: unknown): Fields {
  const read: Record<string, unknown> = {};
  for (const item of items(list)) {
    const { key, value } = fields(item);
    const { stringValue, intValue, doubleValue, boolValue } = fields(value);
    const known = stringValue ?? intValue ?? doubleValue ?? boolValue;
    if (typeof key === "string" && key !== "__proto__" && isPlain(known)) read[key] = known;
  }
  return read;
}

function isPlain(value: unknown): value is string | number | boolean {
  return ["string", "number", "boolean"].includes(typeof value);
}

const nanoPerMs = 1_000_000n;

/** UTC epoch milliseconds of nanoseconds as a number or as decimal text; 0 stands for unknown. */
function readNano(value: unknown): number | null {
  if (typeof value !== "string" && typeof value !== "number") return null;
  if (!/^\d{1,20}$/.test(String(value))) return null;
  const at = Number(BigInt(value) / nanoPerMs);
  return at > 0 && at <= latestMs ? at : null;
}

const latestMs = 8_640_000_000_000_000;

function spanOf({ traceId, spanId }: Fields): string | null {
  const trace = id(traceId);
  const own = id(spanId);
  return trace === null || own === null || /^0*$/.test(own) ? null : `span:${trace}:${own}`.toLowerCase();
}
