import { GraphQLError, Kind, type ValueNode } from "graphql";
import { formatUsd, parseUsd } from "@flowstate/shared/money";
import { parseInstant, parsePeriod, parseUsageDate } from "@flowstate/shared/time";
import type { Parsed } from "@flowstate/shared/parsed";
import type { Builder } from "./builder.ts";

export function addScalars(builder: Builder): void {
  builder.scalarType("DateTime", {
    description: "UTC instant, ISO 8601",
    serialize: (value) => new Date(value).toISOString(),
    parseValue: (value) => required(parseInstant(String(value))),
  });
  builder.scalarType("Period", {
    description: "calendar month, YYYY-MM",
    serialize: (value) => value,
    parseValue: (value) => required(parsePeriod(String(value))),
  });
  builder.scalarType("Date", {
    description: "UTC day, YYYY-MM-DD",
    serialize: (value) => value,
    parseValue: (value) => required(parseUsageDate(String(value))),
  });
  builder.scalarType("Usd", {
    description: 'US dollars as a decimal string with up to nine decimals, e.g. "12.500000000" or "12.5"',
    serialize: (value) => formatUsd(value),
    parseValue: (value) => required(parseUsd(String(value))),
  });
  builder.scalarType("BigInt", {
    description: "whole number of up to 64 bits; written as a string, read as a string or a number",
    serialize: (value) => value.toString(),
    parseValue: parseBigInt,
    parseLiteral: (node: ValueNode) =>
      parseBigInt(node.kind === Kind.INT || node.kind === Kind.STRING ? node.value : node.kind),
  });
}

const largest = 2n ** 63n;

function parseBigInt(value: unknown): bigint {
  const text = typeof value === "string" || Number.isSafeInteger(value) ? String(value) : "";
  const whole = /^-?\d{1,19}$/.test(text) ? BigInt(text) : null;
  if (whole === null || whole >= largest || whole < -largest) {
    throw new GraphQLError("expected a whole number of at most 64 bits", {
      extensions: { code: "FS_INPUT_INVALID" },
    });
  }
  return whole;
}

function required<T>(parsed: Parsed<T>): T {
  if (parsed.ok) return parsed.value;
  throw new GraphQLError(parsed.detail, { extensions: { code: "FS_INPUT_INVALID" } });
}
