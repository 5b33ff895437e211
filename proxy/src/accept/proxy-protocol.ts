import { isIP, type BlockList, type Socket } from "node:net";
import { announcePeer } from "./peer.ts";

/** What a balancer says about a connection before its first byte (PROXY protocol, versions 1 and 2). */
export type ProxyHeader =
  | { readonly kind: "incomplete" }
  | { readonly kind: "malformed" }
  /** `length` bytes of header. Null: the balancer speaks for itself, as its health checks do. */
  | { readonly kind: "header"; readonly address: string | null; readonly length: number };

const signature = Buffer.from("\r\n\r\n\0\r\nQUIT\n", "latin1");
const v1Start = "PROXY ";
const mostV1Bytes = 107;
/** Addresses take 36 bytes; the rest is room for extensions, which are skipped. */
const mostV2Bytes = 2048;

/** Reads the header at the start of a connection. Never throws. */
export function parseProxyHeader(bytes: Buffer): ProxyHeader {
  const start = bytes.subarray(0, signature.length);
  if (start.equals(signature.subarray(0, start.length))) return parseV2(bytes);
  const text = bytes.toString("latin1", 0, v1Start.length);
  return v1Start.startsWith(text) || text === v1Start ? parseV1(bytes) : { kind: "malformed" };
}

function parseV1(bytes: Buffer): ProxyHeader {
  const end = bytes.indexOf("\r\n");
  if (end < 0) return { kind: bytes.length < mostV1Bytes ? "incomplete" : "malformed" };
  if (end + 2 > mostV1Bytes) return { kind: "malformed" };
  const [, family, source = "", target = "", ...ports] = bytes.toString("latin1", 0, end).split(" ");
  if (family === "UNKNOWN") return { kind: "header", address: null, length: end + 2 };
  const version = family === "TCP4" ? 4 : family === "TCP6" ? 6 : -1;
  const sound =
    isIP(source) === version &&
    isIP(target) === version &&
    ports.length === 2 &&
    ports.every((port) => /^(?:0|[1-9]\d{0,4})$/.test(port) && Number(port) <= 65_535);
  return sound ? { kind: "header", address: source, length: end + 2 } : { kind: "malformed" };
}

function parseV2(bytes: Buffer): ProxyHeader {
  if (bytes.length < 16) return { kind: "incomplete" };
  const command = bytes.readUInt8(12);
  const family = bytes.readUInt8(13);
  const length = 16 + bytes.readUInt16BE(14);
  if ((command !== 0x20 && command !== 0x21) || length > mostV2Bytes) return { kind: "malformed" };
  if (bytes.length < length) return { kind: "incomplete" };
  const addresses = bytes.subarray(16, length);
  if (command === 0x20) return { kind: "header", address: null, length };
  switch (family) {
    case 0x11:
      if (addresses.length < 12) return { kind: "malformed" };
      return { kind: "header", address: [...addresses.subarray(0, 4)].join("."), length };
    case 0x21:
      if (addresses.length < 36) return { kind: "malformed" };
      return { kind: "header", address: ipv6(addresses.subarray(0, 16)), length };
    default:
      return { kind: "header", address: null, length };
  }
}

function ipv6(bytes: Buffer): string {
  const groups = Array.from({ length: 8 }, (_, index) => bytes.readUInt16BE(index * 2).toString(16));
  return new URL(`http://[${groups.join(":")}]/`).hostname.slice(1, -1);
}

/**
 * Takes the header off a connection and notes whose it is. False, with the connection destroyed, where it comes from
 * anybody but a trusted balancer, or has no sound header in time: anybody could claim any address.
 */
export async function takeProxyHeader(
  socket: Socket,
  trusted: BlockList,
  timeoutMs: number,
): Promise<boolean> {
  const { remoteAddress = "" } = socket;
  const family = isIP(remoteAddress);
  socket.on("error", () => socket.destroy());
  if (family === 0 || !trusted.check(remoteAddress, family === 6 ? "ipv6" : "ipv4")) {
    socket.destroy();
    return false;
  }
  const timer = setTimeout(() => socket.destroy(), timeoutMs);
  const header = await readHeader(socket);
  clearTimeout(timer);
  if (header === null) {
    socket.destroy();
    return false;
  }
  if (header.address !== null) announcePeer(socket, header.address);
  return true;
}

/** Leaves in the socket what follows the header. Null where it is malformed or the peer is gone. */
async function readHeader(socket: Socket): Promise<Extract<ProxyHeader, { kind: "header" }> | null> {
  const { promise, resolve } = Promise.withResolvers<Awaited<ReturnType<typeof readHeader>>>();
  let received: Buffer = Buffer.alloc(0);
  const onReadable = (): void => {
    const chunk = socket.read() as Buffer | null;
    if (chunk === null) return;
    received = Buffer.concat([received, chunk]);
    const header = parseProxyHeader(received);
    if (header.kind === "incomplete") return;
    socket.off("readable", onReadable);
    if (header.kind === "malformed") return resolve(null);
    const rest = received.subarray(header.length);
    if (rest.length > 0) socket.unshift(rest);
    resolve(header);
  };
  socket.on("readable", onReadable);
  socket.once("end", () => resolve(null));
  socket.once("close", () => resolve(null));
  return promise;
}
