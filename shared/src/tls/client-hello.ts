/** What a client says in clear before encryption begins (RFC 8446 4.1.2). */
export type ClientHello =
  | { readonly kind: "incomplete" }
  | { readonly kind: "not_tls" }
  | {
      readonly kind: "hello";
      /** The server name in lower case (RFC 6066 3); null where none was sent. */
      readonly serverName: string | null;
      readonly offersHttp2: boolean;
      /** An Encrypted Client Hello stands beside it, which may name another server. */
      readonly encrypted: boolean;
    };

export const mostHelloBytes = 16 << 10;

const handshakeRecord = 22;
const clientHello = 1;
const extensionTypes = { serverName: 0, alpn: 16, encryptedClientHello: 0xfe0d } as const;

/** Reads the first bytes of a connection. Never throws; what breaks the format before its end is `not_tls`. */
export function parseClientHello(bytes: Uint8Array): ClientHello {
  const handshake = joinRecords(bytes);
  if (handshake === null) return { kind: "not_tls" };
  if (handshake.length > 0 && handshake[0] !== clientHello) return { kind: "not_tls" };
  if (handshake.length < 4) return { kind: "incomplete" };
  const length = uint(handshake, 1, 3);
  if (length > mostHelloBytes) return { kind: "not_tls" };
  if (handshake.length < 4 + length) return { kind: "incomplete" };
  return readExtensions(handshake.subarray(4, 4 + length));
}

/** The handshake bytes of the leading records; null where they are none. */
function joinRecords(bytes: Uint8Array): Uint8Array | null {
  const parts: Uint8Array[] = [];
  for (let at = 0; at < bytes.length;) {
    const begins = bytes[at] === handshakeRecord && (bytes[at + 1] ?? 3) === 3;
    if (!begins && at === 0) return null;
    if (!begins || at + 5 > bytes.length) break;
    const end = at + 5 + uint(bytes, at + 3, 2);
    parts.push(bytes.subarray(at + 5, end));
    at = end;
  }
  return Buffer.concat(parts);
}

function readExtensions(body: Uint8Array): ClientHello {
  let at = 2 + 32;
  at += 1 + uint(body, at, 1);
  at += 2 + uint(body, at, 2);
  at += 1 + uint(body, at, 1);
  const end = Math.min(body.length, at + 2 + uint(body, at, 2));
  at += 2;
  let serverName: string | null = null;
  let offersHttp2 = false;
  let encrypted = false;
  while (at + 4 <= end) {
    const type = uint(body, at, 2);
    const data = body.subarray(at + 4, Math.min(end, at + 4 + uint(body, at + 2, 2)));
    if (type === extensionTypes.serverName) serverName = readServerName(data);
    if (type === extensionTypes.alpn) offersHttp2 = Buffer.from(data).includes("\x02h2", 2, "latin1");
    if (type === extensionTypes.encryptedClientHello) encrypted = true;
    at += 4 + uint(body, at + 2, 2);
  }
  return { kind: "hello", serverName, offersHttp2, encrypted };
}

/** The list holds one name of the type host_name. */
function readServerName(data: Uint8Array): string | null {
  const name = Buffer.from(data.subarray(5, 5 + uint(data, 3, 2))).toString("latin1");
  return data[2] === 0 && /^[\x21-\x7e]{1,255}$/.test(name) ? name.toLowerCase().replace(/\.$/, "") : null;
}

/** Big-endian; what lies beyond the end reads as 0. */
function uint(bytes: Uint8Array, at: number, size: number): number {
  let value = 0;
  for (let index = at; index < at + size; index += 1) value = value * 256 + (bytes[index] ?? 0);
  return value;
}
