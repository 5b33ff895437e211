import { crc32 } from "node:zlib";

/** One message in the AWS event stream encoding, as Bedrock sends it. */
export function eventStreamMessage(
  eventType: string,
  payload: unknown,
  messageType: "event" | "exception" = "event",
): Buffer {
  const headers = Buffer.concat(
    Object.entries({
      ":event-type": eventType,
      ":content-type": "application/json",
      ":message-type": messageType,
    }).map(([name, value]) => {
      const field = Buffer.alloc(1 + name.length + 3 + value.length);
      field.writeUInt8(name.length, 0);
      field.write(name, 1);
      field.writeUInt8(7, 1 + name.length);
      field.writeUInt16BE(value.length, 2 + name.length);
      field.write(value, 4 + name.length);
      return field;
    }),
  );
  const body = Buffer.from(JSON.stringify(payload));
  const message = Buffer.alloc(16 + headers.length + body.length);
  message.writeUInt32BE(message.length, 0);
  message.writeUInt32BE(headers.length, 4);
  message.writeUInt32BE(crc32(message.subarray(0, 8)), 8);
  headers.copy(message, 12);
  body.copy(message, 12 + headers.length);
  message.writeUInt32BE(crc32(message.subarray(0, -4)), message.length - 4);
  return message;
}

/** The same with the vendor's own event inside, as `invoke-with-response-stream` wraps it. */
export function invokeChunk(event: unknown): Buffer {
  return eventStreamMessage("chunk", {
    bytes: Buffer.from(JSON.stringify(event)).toString("base64"),
    p: "abc",
  });
}
