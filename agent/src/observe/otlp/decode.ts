import { BinaryReader, BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import { ok, refuse, type Parsed } from "@flowstate/shared/parsed";
import { fields, type Fields } from "../files/json.ts";
import { requests, type Field, type Message, type Signal } from "./messages.ts";

/** A text longer than this is content of a conversation and no name or count: it is passed over undecoded. */
const longestText = 4096;

/** An export request as its JSON mapping has it, whichever way it came. Never throws. */
export function decodeRequest(
  signal: Signal,
  encoding: "protobuf" | "json",
  body: Buffer,
): Parsed<Fields, "not_otlp"> {
  try {
    if (encoding === "protobuf") return ok(decodeMessage(requests[signal], body));
    const value: unknown = JSON.parse(body.toString("utf8"));
    if (typeof value === "object" && value !== null && !Array.isArray(value)) return ok(fields(value));
    return refuse("not_otlp", `the body must be one JSON object of OTLP ${signal}`);
  } catch {
    return refuse("not_otlp", `the body is not ${encoding === "json" ? "JSON" : `OTLP ${signal}`}`);
  }
}

/** A `google.rpc.Status` with a sentence, as protobuf. */
export function encodeStatus(message: string): Uint8Array {
  return new BinaryWriter().tag(2, WireType.LengthDelimited).string(message).finish();
}

function decodeMessage(message: Message, bytes: Uint8Array): Fields {
  const reader = new BinaryReader(bytes);
  const decoded: Record<string, unknown> = {};
  while (reader.pos < reader.len) {
    const [number, wire] = reader.tag();
    const field = message.get(number);
    if (field === undefined || wire !== wireOf(field)) {
      reader.skip(wire, number);
      continue;
    }
    const value = decodeField(field, reader);
    if (!field.repeated) decoded[field.name] = value;
    else ((decoded[field.name] ??= []) as unknown[]).push(value);
  }
  return decoded;
}

/** 64-bit integers become decimal texts, as in the JSON mapping. */
function decodeField({ kind }: Field, reader: BinaryReader): unknown {
  switch (kind) {
    case "text": {
      const bytes = reader.bytes();
      return bytes.length > longestText ? undefined : textOf(bytes).toString("utf8");
    }
    case "id":
      return textOf(reader.bytes()).toString("hex");
    case "bool":
      return reader.bool();
    case "enum":
      return reader.int32();
    case "int64":
      return String(reader.int64());
    case "fixed64":
      return String(reader.fixed64());
    case "sfixed64":
      return String(reader.sfixed64());
    case "double":
      return reader.double();
    default:
      return decodeMessage(kind, reader.bytes());
  }
}

function wireOf({ kind }: Field): WireType {
  switch (kind) {
    case "bool":
    case "enum":
    case "int64":
      return WireType.Varint;
    case "fixed64":
    case "sfixed64":
    case "double":
      return WireType.Bit64;
    default:
      return WireType.LengthDelimited;
  }
}

function textOf(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
