import { once } from "node:events";
import { connect, type ConnectionOptions, type TLSSocket } from "node:tls";

/** A TLS connection that may end one side at a time, established. */
export async function dialTls(
  to: { readonly port: number; readonly host: string; readonly ca: string },
  options: ConnectionOptions,
): Promise<TLSSocket> {
  const settings = { ...to, allowHalfOpen: true };
  const socket = connect({ ...settings, ...options });
  // A connection that the proxy cuts is what some tests are about; those that wait for more will miss it.
  socket.on("error", () => undefined);
  await once(socket, "secureConnect");
  return socket;
}
