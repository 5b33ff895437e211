import { flushCompileCache, getCompileCacheDir } from "node:module";
import { mallocSettings, daemonFlags } from "../packaged/node-options.ts";

const mark = "FLOWSTATE_LEAN_START";

/**
 * Starts this process once more in its own place, where that makes the daemon smaller for as long as it runs: with the
 * flags of Node and the settings of memory that it is to have, and from text whose types are stripped already, for Node keeps the stripper, 13 MB,
 * once it has used it. Not without a cache of stripped text, not on Windows, which cannot, and not for a parent that
 * waits on a channel of Node's, which would be closed.
 */
export function startLean(env: NodeJS.ProcessEnv): void {
  const isSecond = env[mark] !== undefined;
  delete env[mark];
  const isLean =
    daemonFlags.every((flag) => process.execArgv.includes(flag)) &&
    Object.keys(mallocSettings).every((name) => env[name] !== undefined) &&
    !hasStrippedTypes();
  const isAble = process.execve !== undefined && !process.connected && getCompileCacheDir() !== undefined;
  if (isLean || isSecond || !isAble) return;
  flushCompileCache();
  const others = process.execArgv.filter((flag) => !daemonFlags.some((own) => own === flag));
  const args = [process.execPath, ...daemonFlags, ...others, ...process.argv.slice(1)];
  process.execve?.(process.execPath, args, { ...mallocSettings, ...env, [mark]: "1" });
}

/** Whether Node's stripper of types is loaded (https://nodejs.org/api/typescript.html: amaro). */
function hasStrippedTypes(): boolean {
  const { moduleLoadList = [] } = process as { readonly moduleLoadList?: readonly string[] };
  return moduleLoadList.some((name) => name.includes("amaro"));
}
