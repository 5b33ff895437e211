import { spawn } from "node:child_process";
import { once } from "node:events";
import { connect } from "node:net";
import { text } from "node:stream/consumers";

export const ownUid = process.geteuid?.() ?? 0;
const nobody = 65_534;
/** A user as whom this process can ask: another one where it is root. */
export const someUid = ownUid === 0 ? nobody : ownUid;

/** Sends a request without a body to a loopback port as a user, who is this one unless it is root; the answer's first line. */
export async function askAs(uid: number, port: number, head: readonly string[]): Promise<string> {
  if (ownUid !== 0 || uid === 0) {
    const client = connect(port, "127.0.0.1");
    client.write([...head, "", ""].join("\r\n"));
    const [answer] = (await once(client, "data")) as [Buffer];
    client.destroy();
    return answer.toString().split("\r\n")[0] ?? "";
  }
  const script = `exec 3<>/dev/tcp/127.0.0.1/${port}
    printf '%s\\r\\n' "$@" '' >&3; read -r line <&3; printf '%s' "$line"`;
  const child = spawn("bash", ["-c", script, "bash", ...head], {
    uid,
    gid: uid,
    cwd: "/",
    stdio: ["ignore", "pipe", "inherit"],
  });
  return (await text(child.stdout)).trim();
}
