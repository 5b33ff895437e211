import { once } from "node:events";
import { isIPv4, type Socket } from "node:net";
import type { HostPort } from "@flowstate/shared/net/host-port";
import type { BasicCredential } from "@flowstate/shared/net/basic-auth";
import type { UpstreamFailure } from "./http-connect.ts";

const version = 5;
const methods = { none: 0, password: 2 } as const;
const addressTypes = { ipv4: 1, name: 3, ipv6: 4 } as const;

/** Replies of RFC 1928 6, as RFC 9209 names them. */
const replies: Readonly<Record<number, readonly [error: UpstreamFailure["error"], text: string]>> = {
  2: ["http_request_denied", "the upstream proxy does not allow it"],
  3: ["destination_ip_unroutable", "the upstream proxy has no route there"],
  4: ["destination_unavailable", "the upstream proxy cannot reach it"],
  5: ["connection_refused", "the upstream proxy says that it refuses connections"],
  6: ["connection_timeout", "the upstream proxy got no answer from it"],
};

/**
 * Asks by SOCKS5 (RFC 1928, RFC 1929). Names go to the upstream as names, so that it resolves them. Null once the
 * tunnel is open.
 */
export async function askBySocks5(
  socket: Socket,
  to: HostPort,
  login: BasicCredential | null,
  signal: AbortSignal,
): Promise<UpstreamFailure | null> {
  const offered = login === null ? [methods.none] : [methods.none, methods.password];
  socket.write(Buffer.from([version, offered.length, ...offered]));
  const choice = await readBytes(socket, 2, signal);
  if (choice?.[0] !== version) return noSocks;
  if (choice[1] === methods.password && login !== null) {
    const user = Buffer.from(login.user);
    const password = Buffer.from(login.password);
    socket.write(
      Buffer.concat([Buffer.from([1, user.length]), user, Buffer.from([password.length]), password]),
    );
    const verdict = await readBytes(socket, 2, signal);
    if (verdict?.[1] !== 0)
      return { error: "http_request_denied", text: "the upstream proxy refuses the user name or password" };
  } else if (choice[1] !== methods.none) {
    return { error: "http_request_denied", text: "the upstream proxy asks for another way to sign in" };
  }
  socket.write(connectRequest(to));
  return readReply(socket, signal);
}

function connectRequest({ host, port, family }: HostPort): Buffer {
  const head = [version, 1, 0];
  const end = [port >> 8, port & 255];
  if (family === 4) return Buffer.from([...head, addressTypes.ipv4, ...host.split(".").map(Number), ...end]);
  if (family === 6) return Buffer.from([...head, addressTypes.ipv6, ...ipv6Bytes(host), ...end]);
  const name = Buffer.from(host, "latin1");
  return Buffer.concat([Buffer.from([...head, addressTypes.name, name.length]), name, Buffer.from(end)]);
}

async function readReply(socket: Socket, signal: AbortSignal): Promise<UpstreamFailure | null> {
  const head = await readBytes(socket, 5, signal);
  if (head?.[0] !== version) return noSocks;
  const [, code = 1, , type, first = 0] = head;
  if (code !== 0) {
    const [error, text] = replies[code] ?? ["destination_unavailable", "the upstream proxy failed"];
    return { error, text };
  }
  const rest =
    type === addressTypes.ipv4
      ? 3
      : type === addressTypes.ipv6
        ? 15
        : type === addressTypes.name
          ? first
          : -1;
  return rest < 0 || (await readBytes(socket, rest + 2, signal)) === null ? noSocks : null;
}

/** Exactly so many bytes; null where the peer ends before. */
async function readBytes(socket: Socket, length: number, signal: AbortSignal): Promise<Buffer | null> {
  for (;;) {
    const bytes = socket.read(length) as Buffer | null;
    if (bytes !== null) return bytes.length === length ? bytes : null;
    if (socket.readableEnded || socket.destroyed) return null;
    await Promise.race([once(socket, "readable", { signal }), once(socket, "end", { signal })]);
  }
}

function ipv6Bytes(address: string): number[] {
  const [left = "", right] = address.split("::");
  const groupsOf = (text: string): string[] => (text === "" ? [] : text.split(":"));
  const before = groupsOf(left).flatMap(groupBytes);
  const after = right === undefined ? [] : groupsOf(right).flatMap(groupBytes);
  return [...before, ...Array.from({ length: 16 - before.length - after.length }, () => 0), ...after];
}

function groupBytes(group: string): number[] {
  if (isIPv4(group)) return group.split(".").map(Number);
  const value = Number.parseInt(group, 16);
  return [value >> 8, value & 255];
}

const noSocks: UpstreamFailure = {
  error: "http_protocol_error",
  text: "the upstream proxy's answer is no SOCKS5",
};
