/**
 * Stands in for systemd where none runs, as root in a mount namespace of its own: `systemctl` that starts and stops
 * services of /etc/systemd/system. A service that ends by itself is started again, as `Restart=always` has it.
 */
import { execFileSync, spawn } from "node:child_process";
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";

const [verb = "", unit = "", account = "", start = ""] = process.argv.slice(2);
const pidFile = `/run/${unit}.pid`;

if (verb === "supervise") await supervise();
else if (verb === "start" && unit.endsWith(".service")) startUnit();
else if (verb === "stop" && unit.endsWith(".service")) await stopUnit();
else if (verb === "enable" || verb === "disable") {
  // Links alone: there is nobody to ask.
  execFileSync("/usr/bin/systemctl", [verb, unit], { env: { SYSTEMD_OFFLINE: "1" }, stdio: "inherit" });
}

function startUnit(): void {
  const text = readFileSync(`/etc/systemd/system/${unit}`, "utf8");
  const value = (name: string): string => new RegExp(`^${name}=(.*)$`, "m").exec(text)?.[1] ?? "";
  const args = [import.meta.filename, "supervise", unit, value("User"), value("ExecStart")];
  const supervisor = spawn(process.execPath, args, { detached: true, stdio: "ignore" });
  writeFileSync(pidFile, String(supervisor.pid));
  supervisor.unref();
}

async function supervise(): Promise<void> {
  const home = execFileSync("getent", ["passwd", account], { encoding: "utf8" }).split(":")[5] ?? "/";
  const drop = [`--reuid=${account}`, `--regid=${account}`, "--clear-groups", "sh", "-c", `exec ${start}`];
  const stopping = new AbortController();
  while (!stopping.signal.aborted) {
    const service = spawn("setpriv", drop, { env: { HOME: home, PATH: "/usr/bin:/bin" }, stdio: "ignore" });
    const stop = (): void => {
      stopping.abort();
      service.kill("SIGTERM");
    };
    process.once("SIGTERM", stop);
    await new Promise((resolve) => service.once("exit", resolve));
    process.off("SIGTERM", stop);
    await delay(stopping.signal.aborted ? 0 : 1000);
  }
}

async function stopUnit(): Promise<void> {
  if (!existsSync(pidFile)) process.exit(5);
  const pid = Number(readFileSync(pidFile, "utf8"));
  process.kill(pid, "SIGTERM");
  while (existsSync(`/proc/${pid}`) && !readFileSync(`/proc/${pid}/stat`, "utf8").includes(") Z "))
    await delay(20);
  rmSync(pidFile);
}
