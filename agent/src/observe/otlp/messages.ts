/**
 * The messages of OTLP as far as calls need them (opentelemetry-proto 1.9: collector, logs, trace, metrics and common).
 * What is not named here is skipped without being decoded.
 */

/** How a field of a protobuf message is read. */
export type Kind = "text" | "bool" | "int64" | "fixed64" | "sfixed64" | "double" | "enum" | "id" | Message;

export interface Field {
  /** Name in the JSON mapping. */
  readonly name: string;
  readonly kind: Kind;
  readonly repeated: boolean;
}

/** Fields by their number. */
export type Message = ReadonlyMap<number, Field>;

export type Signal = "logs" | "traces" | "metrics";

const one = (name: string, kind: Kind): Field => ({ name, kind, repeated: false });
const many = (name: string, kind: Kind): Field => ({ name, kind, repeated: true });

const anyValue: Message = new Map([
  [1, one("stringValue", "text")],
  [2, one("boolValue", "bool")],
  [3, one("intValue", "int64")],
  [4, one("doubleValue", "double")],
]);
const keyValue: Message = new Map([
  [1, one("key", "text")],
  [2, one("value", anyValue)],
]);
const resource: Message = new Map([[1, many("attributes", keyValue)]]);
const scope: Message = new Map([[1, one("name", "text")]]);

const logRecord: Message = new Map([
  [1, one("timeUnixNano", "fixed64")],
  [5, one("body", anyValue)],
  [6, many("attributes", keyValue)],
  [9, one("traceId", "id")],
  [10, one("spanId", "id")],
  [11, one("observedTimeUnixNano", "fixed64")],
  [12, one("eventName", "text")],
]);
const span: Message = new Map([
  [1, one("traceId", "id")],
  [2, one("spanId", "id")],
  [5, one("name", "text")],
  [7, one("startTimeUnixNano", "fixed64")],
  [8, one("endTimeUnixNano", "fixed64")],
  [9, many("attributes", keyValue)],
]);
const numberDataPoint: Message = new Map([
  [2, one("startTimeUnixNano", "fixed64")],
  [3, one("timeUnixNano", "fixed64")],
  [4, one("asDouble", "double")],
  [6, one("asInt", "sfixed64")],
  [7, many("attributes", keyValue)],
]);
const sum: Message = new Map([
  [1, many("dataPoints", numberDataPoint)],
  [2, one("aggregationTemporality", "enum")],
]);
const metric: Message = new Map([
  [1, one("name", "text")],
  [7, one("sum", sum)],
]);

/** Resource, then scope, then the records themselves: the same nesting for every signal. */
function request(resources: string, scopes: string, records: string, record: Message): Message {
  const scoped: Message = new Map([
    [1, one("scope", scope)],
    [2, many(records, record)],
  ]);
  const resourced: Message = new Map([
    [1, one("resource", resource)],
    [2, many(scopes, scoped)],
  ]);
  return new Map([[1, many(resources, resourced)]]);
}

/** The request of each signal's export service. */
export const requests: Readonly<Record<Signal, Message>> = {
  logs: request("resourceLogs", "scopeLogs", "logRecords", logRecord),
  traces: request("resourceSpans", "scopeSpans", "spans", span),
  metrics: request("resourceMetrics", "scopeMetrics", "metrics", metric),
};
