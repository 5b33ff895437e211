import { once } from "node:events";
import { performance } from "node:perf_hooks";
import { connect, type TLSSocket } from "node:tls";
import type { Peer } from "./peers.ts";

export interface Destination {
  readonly port: number;
  readonly ca: string;
}

/** An open tunnel through a proxy to a port of loopback. */
export async function openTunnel(peer: Peer, { port, ca }: Destination): Promise<TLSSocket> {
  const socket = connect({ host: "127.0.0.1", port: peer.port, ca, servername: "localhost" });
  socket.setNoDelay(true);
  await once(socket, "secureConnect");
  const target = `127.0.0.1:${port}`;
  socket.write(
    `CONNECT ${target} HTTP/1.1\r\nHost: ${target}\r\nProxy-Authorization: ${peer.credential}\r\n\r\n`,
  );
  const [answer] = (await once(socket, "data")) as [Buffer];
  if (!/^HTTP\/1\.[01] 200/.test(answer.toString("latin1")))
    throw new Error(`${peer.name}: ${answer.toString("latin1")}`);
  return socket;
}

/** TLS of the tunnel's own inside it, as every AI client has. */
async function openInner(peer: Peer, to: Destination): Promise<{ outer: TLSSocket; inner: TLSSocket }> {
  const outer = await openTunnel(peer, to);
  const inner = connect({ socket: outer, ca: to.ca, servername: "localhost" });
  await once(inner, "secureConnect");
  return { outer, inner };
}

const request = (path: string, close: boolean): string =>
  `GET ${path} HTTP/1.1\r\nHost: localhost\r\n${close ? "Connection: close\r\n" : ""}\r\n`;

/** New tunnels, each with inner TLS and one GET, by so many clients at a time; milliseconds of each. */
export async function newTunnels(
  peer: Peer,
  to: Destination,
  { count, clients }: { readonly count: number; readonly clients: number },
): Promise<readonly number[]> {
  const times: number[] = [];
  let left = count;
  const client = async (): Promise<void> => {
    while (left > 0) {
      left -= 1;
      const startedAt = performance.now();
      const { outer, inner } = await openInner(peer, to);
      inner.write(request("/", true));
      for await (const _ of inner);
      times.push(performance.now() - startedAt);
      outer.destroy();
    }
  };
  await Promise.all(Array.from({ length: clients }, client));
  return times;
}

/** Downloads through one tunnel; the client reads the tunnel's bytes as they are, without the inner TLS. */
export async function bulk(peer: Peer, to: Destination, bytes: number): Promise<void> {
  const { outer, inner } = await openInner(peer, to);
  inner.write(request(`/bytes/${bytes}`, true));
  let received = 0;
  for await (const part of inner) received += (part as Buffer).length;
  if (received < bytes) throw new Error(`${peer.name}: ${received} of ${bytes} bytes arrived`);
  outer.destroy();
}

/** Milliseconds of each of `count` requests over one tunnel that is kept open. */
export async function keptAlive(peer: Peer, to: Destination, count: number): Promise<readonly number[]> {
  const { outer, inner } = await openInner(peer, to);
  const times: number[] = [];
  for (let turn = 0; turn < count; turn += 1) {
    const startedAt = performance.now();
    inner.write(request("/", false));
    await once(inner, "data");
    times.push(performance.now() - startedAt);
  }
  outer.destroy();
  return times;
}

/** Tunnels that have carried a handshake's worth of bytes each way and now stand idle. */
export async function idleTunnels(peer: Peer, to: Destination, count: number): Promise<readonly TLSSocket[]> {
  const tunnels: TLSSocket[] = [];
  const open = async (): Promise<void> => {
    const socket = await openTunnel(peer, to);
    let back = 0;
    socket.write(Buffer.alloc(idleBytes, 7));
    while (back < idleBytes) back += ((await once(socket, "data")) as [Buffer])[0].length;
    tunnels.push(socket);
  };
  for (let left = count; left > 0; left -= 20)
    await Promise.all(Array.from({ length: Math.min(20, left) }, open));
  return tunnels;
}

const idleBytes = 2000;
