import type { TLSSocket } from "node:tls";
import { parseSubject, type Subject } from "@flowstate/shared/subject";

/**
 * The person in a client certificate that the configured authority signed: its first e-mail address (RFC 5280
 * 4.2.1.6), or null where there is no such certificate. Read once a connection.
 */
export function certificateSubject(socket: TLSSocket): Subject | null {
  if (!socket.authorized) return null;
  const names = socket.getPeerX509Certificate()?.subjectAltName ?? "";
  const email = /(?:^|, )email:([^",]+)(?:,|$)/.exec(names)?.[1];
  const subject = parseSubject(email ?? "");
  return subject.ok ? subject.value : null;
}
