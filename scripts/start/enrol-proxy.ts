import { execFile } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { promisify } from "node:util";

/**
 * The local proxy's right to read keys and report meters, kept in `file` (0600). Asked for anew when the file is
 * missing or the control plane no longer accepts what it holds (revoked, or the database is a new one).
 */
export async function ensureEnrolment(
  file: string,
  controlPlane: string,
  script: string,
  env: NodeJS.ProcessEnv,
): Promise<void> {
  if (existsSync(file) && (await accepted(controlPlane, readFileSync(file, "utf8").trim()))) return;
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [script, "proxy", "enrol", "--org", "default", "--name", "local", "--json"],
    { env },
  );
  const { token } = JSON.parse(stdout) as { token: string };
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  writeFileSync(`${file}.new`, `${token}\n`, { mode: 0o600 });
  renameSync(`${file}.new`, file);
}

async function accepted(controlPlane: string, token: string): Promise<boolean> {
  const answer = await fetch(`${controlPlane}/ingest/v1/snapshot`, {
    headers: { authorization: `Bearer ${token}` },
  });
  await answer.arrayBuffer();
  return answer.status !== 401 && answer.status !== 403;
}
