/** How `bin/flowstate.js` starts the agent. */
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, mkdirSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import test from "ava";
import { mintKey } from "@flowstate/shared/keys";
import { temporaryFolder } from "@flowstate/shared/testing/temp";
import { until } from "@flowstate/shared/testing/until";
import { askStatus } from "../src/local/socket.ts";
import { daemonFlags, nodeFlags } from "../src/packaged/node-options.ts";

const program = new URL("../bin/flowstate.js", import.meta.url).pathname;

test("the program's first line starts Node with the flags of a command", (t) => {
  const [first] = readFileSync(program, "utf8").split("\n");
  t.is(first, `#!/usr/bin/env -S node ${nodeFlags.join(" ")}`);
});

const linux = process.platform === "linux" ? test : test.skip;
linux(
  "a daemon that was started without a daemon's flags, or stripped types, starts once more in its own place",
  async (t) => {
    using folder = temporaryFolder();
    const dataFolder = join(folder.path, "data");
    const env = {
      HOME: folder.path,
      TMPDIR: folder.path,
      FLOWSTATE_DATA_DIR: dataFolder,
      FLOWSTATE_OTLP_KEY: mintKey("org").text,
      FLOWSTATE_USER: "ada@example.com",
      FLOWSTATE_CONTROL_PLANE: "http://127.0.0.1:9",
      FLOWSTATE_RELAY_PORT: "0",
      FLOWSTATE_OTLP_PORT: "0",
    };
    const daemon = spawn(process.execPath, [program, "run"], { env, stdio: "ignore" });
    const status = await until("the daemon", () => askStatus(dataFolder));
    t.is(daemon.pid, status.pid);
    const command = readFileSync(`/proc/${status.pid}/cmdline`, "utf8").split("\0");
    t.deepEqual(command.slice(0, -1), [process.execPath, ...daemonFlags, program, "run"]);
    daemon.kill();
    await once(daemon, "exit");
    t.is(daemon.exitCode, 0);
  },
);

const posix = process.platform === "win32" ? test.skip : test;
posix(
  "compiled text is kept in a folder that is closed to other users, and never in one that is open",
  (t) => {
    using folder = temporaryFolder();
    const kept = join(folder.path, `flowstate-${process.getuid?.()}`);
    const start = (): string =>
      execFileSync(process.execPath, [program, "--version"], {
        env: { HOME: folder.path, TMPDIR: folder.path },
        encoding: "utf8",
      });
    mkdirSync(kept);
    chmodSync(kept, 0o777);
    t.regex(start(), /^\d/);
    t.deepEqual(readdirSync(kept), []);
    chmodSync(kept, 0o700);
    t.regex(start(), /^\d/);
    t.not(readdirSync(kept).length, 0);
    t.is(statSync(kept).mode & 0o077, 0);
  },
);
