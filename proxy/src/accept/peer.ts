import { Socket } from "node:net";
import type { TLSSocket } from "node:tls";

/** Addresses that a trusted balancer announced for a connection. */
const announced = new WeakMap<Socket, string>();

/** Notes whose connection this really is (PROXY protocol). */
export function announcePeer(raw: Socket, address: string): void {
  announced.set(raw, address);
}

/** The client's address, as announced or else as the kernel has it. */
export function peerAddress(socket: TLSSocket): string | null {
  const raw = rawSocketOf(socket);
  return (raw === null ? undefined : announced.get(raw)) ?? socket.remoteAddress ?? null;
}

/**
 * The TCP socket under a TLS one; null where there is none to be had. Node keeps it in an undocumented field, and
 * without it a peer that speaks clear text could not be told so.
 */
export function rawSocketOf(socket: TLSSocket): Socket | null {
  const { _parent: parent } = socket as unknown as { readonly _parent?: unknown };
  return parent instanceof Socket ? parent : null;
}
