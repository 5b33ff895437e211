/** A start that cannot work says why in one line, ends with the documented exit code and damages nothing. */
import { spawn, spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { join, resolve } from "node:path";
import test from "ava";
import { temporaryFolder } from "@flowstate/shared/testing/temp";
import { startInstallation, testEnvironment } from "./support/installation.ts";

const root = resolve(import.meta.dirname, "..");

async function start(env: NodeJS.ProcessEnv): Promise<{ code: number | null; stderr: string }> {
  const child = spawn(process.execPath, ["scripts/start.ts"], {
    cwd: root,
    env: { ...process.env, ...testEnvironment, ...env },
    stdio: ["ignore", "ignore", "pipe"],
  });
  let stderr = "";
  child.stderr.on("data", (chunk: Buffer) => (stderr += chunk.toString()));
  const [code] = (await once(child, "close")) as [number | null];
  return { code, stderr };
}

const oneLine = /^[^\n]+\n$/;

test("a wrong setting is named with what it holds and takes", async (t) => {
  using folder = temporaryFolder();
  const { code, stderr } = await start({
    FLOWSTATE_DATA_DIR: join(folder.path, "data"),
    FLOWSTATE_HTTP_PORT: "eighty",
  });
  t.is(code, 78);
  t.regex(stderr, oneLine);
  t.regex(stderr, /FLOWSTATE_HTTP_PORT is "eighty"/);
});

test("a port in use is named", async (t) => {
  using folder = temporaryFolder();
  await using other = createServer().listen(0, "127.0.0.1");
  await once(other, "listening");
  const { port } = other.address() as AddressInfo;
  for (const variable of ["FLOWSTATE_HTTP_PORT", "FLOWSTATE_PROXY_PORT", "FLOWSTATE_PROXY_ADMIN_PORT"]) {
    const { code, stderr } = await start({
      FLOWSTATE_DATA_DIR: join(folder.path, variable),
      [variable]: String(port),
    });
    t.is(code, 69, variable);
    t.regex(stderr, oneLine, variable);
    t.true(stderr.includes(String(port)), stderr);
  }
});

test("a data folder that is a file is named", async (t) => {
  using folder = temporaryFolder();
  const file = join(folder.path, "data");
  writeFileSync(file, "mine");
  const { code, stderr } = await start({ FLOWSTATE_DATA_DIR: file });
  t.is(code, 74);
  t.regex(stderr, oneLine);
  t.is(readFileSync(file, "utf8"), "mine");
});

test("a data folder that nobody may make is named", async (t) => {
  const { code, stderr } = await start({ FLOWSTATE_DATA_DIR: "/sys/flowstate" });
  t.is(code, 74);
  t.regex(stderr, oneLine);
  t.true(stderr.includes("/sys/flowstate"));
});

test("a full disk is named, and the same folder starts once there is room", async (t) => {
  using folder = temporaryFolder();
  const mounted =
    spawnSync("mount", ["-t", "tmpfs", "-o", "size=512k", "flowstate-test", folder.path]).status === 0;
  if (!mounted) {
    t.log("not tried: this user may not mount a small file system");
    t.pass();
    return;
  }
  try {
    writeFileSync(join(folder.path, "ballast"), Buffer.alloc(480 << 10));
    const { code, stderr } = await start({ FLOWSTATE_DATA_DIR: folder.path });
    t.is(code, 74);
    t.regex(stderr, oneLine);
    spawnSync("mount", ["-o", "remount,size=64m", folder.path]);
    await using installation = await startInstallation({ dataDir: folder.path });
    t.true(installation.output().includes("Flowstate is running."));
  } finally {
    spawnSync("umount", ["-l", folder.path]);
  }
});

test("a damaged database is named and left as it is", async (t) => {
  using folder = temporaryFolder();
  const file = join(folder.path, "control-plane.db");
  const damage = randomBytes(8192);
  writeFileSync(file, damage);
  const { code, stderr } = await start({ FLOWSTATE_DATA_DIR: folder.path });
  t.is(code, 74);
  t.regex(stderr, oneLine);
  t.true(stderr.includes("control-plane.db"));
  t.deepEqual(readFileSync(file), damage);
});

test("a wrong master key is refused before anything is written", async (t) => {
  using folder = temporaryFolder();
  const dataDir = join(folder.path, "data");
  {
    await using installation = await startInstallation({ dataDir });
    t.true(installation.output().includes("first sign-in"));
  }
  const { code, stderr } = await start({
    FLOWSTATE_DATA_DIR: dataDir,
    FLOWSTATE_MASTER_KEY: randomBytes(32).toString("base64"),
  });
  t.is(code, 78);
  t.regex(stderr, oneLine);
  t.regex(stderr, /FLOWSTATE_MASTER_KEY/);
  await using again = await startInstallation({ dataDir });
  t.false(again.output().includes("first sign-in"));
});
