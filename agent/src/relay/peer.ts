/**
 * Who is at the other end of a loopback connection. Linux tells it in `/proc/net/tcp` and `/proc/net/tcp6`
 * (Documentation/networking/proc_net_tcp.rst): one line a socket with both addresses, the state and the owner's uid, of
 * the network namespace that the reader is in, which is also that of everybody who can reach its loopback addresses.
 * Other systems have no such file.
 */
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { connect, createServer, isIPv4, type AddressInfo, type Socket } from "node:net";
import { endianness } from "node:os";
import { setImmediate as breathe } from "node:timers/promises";

/** Both ends as the client's socket has them. */
export interface ClientEnds {
  readonly address: string;
  readonly port: number;
  readonly serverPort: number;
}

export interface SocketOwner {
  readonly uid: number;
  /** A socket that its program has closed is shown as root's, so that nothing is known of its owner. */
  readonly isOpen: boolean;
}

/** The owner of the client's socket by the text of either table; null where it is not in it. Never throws. */
export function findOwner(table: string, { address, port, serverPort }: ClientEnds): SocketOwner | null {
  const client = `${printAddress(address)}:${printPort(port)}`;
  const server = `${printAddress("127.0.0.1")}:${printPort(serverPort)}`;
  for (const prefix of ["", mappedPrefix()]) {
    const ends = `: ${prefix}${client} ${prefix}${server} `;
    const at = table.indexOf(ends);
    if (at === -1) continue;
    // State, queues, timer, retransmissions, uid.
    const [state, , , , uid] = table
      .slice(at + ends.length, at + ends.length + 80)
      .trim()
      .split(/\s+/);
    if (state === undefined || uid === undefined || !/^\d{1,10}$/.test(uid)) return null;
    return { uid: Number(uid), isOpen: state === established };
  }
  return null;
}

const established = "01";

/** Addresses are printed as the machine holds them, 32 bits at a time. */
function printAddress(address: string): string {
  const bytes = address.split(".").map((part) => Number(part).toString(16).toUpperCase().padStart(2, "0"));
  return (endianness() === "LE" ? bytes.toReversed() : bytes).join("");
}

function printPort(port: number): string {
  return port.toString(16).toUpperCase().padStart(4, "0");
}

/** `::ffff:` before an IPv4 address, as programs that open IPv6 sockets alone have it. */
function mappedPrefix(): string {
  return `0000000000000000${endianness() === "LE" ? "FFFF0000" : "0000FFFF"}`;
}

/** Whether a connection may be served. */
export type Admits = (client: Socket) => Promise<boolean>;

/**
 * Serves the person who runs the agent, and root, who could be anybody anyway. Null where the owner of a connection
 * cannot be told: on systems other than Linux, without the tables, and for an agent that runs as root. What cannot be told
 * later is refused: a client whose socket is in no table any more has closed it and waits for no answer.
 */
export async function admitOwn(uid = process.geteuid?.()): Promise<Admits | null> {
  if (process.platform !== "linux" || uid === undefined || uid === 0) return null;
  if (!(await canTell())) return null;
  return async (client) => {
    const owner = await ownerOf(client);
    if (owner === null) return false;
    return owner.uid === uid || (owner.uid === 0 && owner.isOpen);
  };
}

/** What everybody else is told by a listener, such as "relay". */
export function notYours(listener: string): string {
  return `this ${listener} serves the user who runs it alone; FLOWSTATE_RELAY_USERS=all in the agent's settings opens it to every user`;
}

const tables = ["/proc/net/tcp", "/proc/net/tcp6"];
/** A table that changes while it is read may leave a line out. */
const mostReads = 3;

async function ownerOf({ remoteAddress, remotePort, localPort }: Socket): Promise<SocketOwner | null> {
  const address = remoteAddress?.replace(/^::ffff:/, "") ?? "";
  if (!isIPv4(address) || remotePort === undefined || localPort === undefined) return null;
  const ends = { address, port: remotePort, serverPort: localPort };
  for (let read = 0; read < mostReads; read += 1) {
    for (const table of tables) {
      const owner = findOwner(await readFile(table, "latin1").catch(() => ""), ends);
      if (owner !== null) return owner;
    }
    await breathe();
  }
  return null;
}

/** Tries it on a connection of our own. */
async function canTell(): Promise<boolean> {
  const server = createServer();
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const client = connect({ host: "127.0.0.1", port: (server.address() as AddressInfo).port });
  try {
    const [[accepted]] = (await Promise.all([once(server, "connection"), once(client, "connect")])) as [
      [Socket],
      unknown,
    ];
    const owner = await ownerOf(accepted);
    accepted.destroy();
    return owner !== null && owner.isOpen && owner.uid === process.geteuid?.();
  } catch {
    return false;
  } finally {
    client.destroy();
    server.close();
  }
}
