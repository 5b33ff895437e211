import { spawn } from "node:child_process";
import { tmpdir } from "node:os";
import { goneName } from "../machine/program-file.ts";
import { system32, windowsTemp } from "../machine/system32.ts";
import { nativeFolder } from "./native.ts";

/**
 * Removes what Windows does not let a running program remove: itself, and the native parts that it and the service have
 * loaded. Another program does it, two seconds from now.
 */
export function removeLeftoversLater(): void {
  const script = [
    `${system32("ping.exe")} -n 3 127.0.0.1 >nul`,
    ...[tmpdir(), windowsTemp].flatMap((folder) => [
      `cd /d "${folder}"`,
      `del /f /q ${goneName}*.exe`,
      `(for /d %d in (${nativeFolder}*) do rmdir /s /q "%d")`,
    ]),
  ].join(" & ");
  spawn(system32("cmd.exe"), ["/d", "/c", script], {
    detached: true,
    stdio: "ignore",
    windowsHide: true,
    windowsVerbatimArguments: true,
  }).unref();
}
