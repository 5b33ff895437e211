import { createRequire } from "node:module";
import { isSea } from "node:sea";
import { koffiAsset, loadNative } from "../packaged/native.ts";
import type { Host } from "./host.ts";

/** What is used of Koffi's native part, which calls functions of the system's libraries (https://koffi.dev/functions). */
interface Koffi {
  load(library: string): { func(prototype: string): NativeFunction };
  struct(name: string, members: Readonly<Record<string, unknown>>): unknown;
  proto(prototype: string): unknown;
  pointer(type: unknown): unknown;
  /** A function that native code may call on any thread; it runs on this one while the other waits. */
  register(callback: (...args: readonly number[]) => number | undefined, type: unknown): unknown;
}

interface NativeFunction {
  (...args: readonly unknown[]): unknown;
  async(...args: readonly unknown[]): void;
}

/** Constants of winsvc.h and winerror.h. */
const ownProcess = 0x10;
const state = { stopped: 1, startPending: 2, stopPending: 3, running: 4 } as const;
const control = { stop: 1, interrogate: 4, shutdown: 5 } as const;
const acceptStopAndShutdown = 1 | 4;
const notImplemented = 120;
const serviceSpecificError = 1066;

const startMs = 30_000;
const stopMs = 20_000;

/**
 * Joins the service manager of Windows, as the process of a service has to within 30 seconds
 * (https://learn.microsoft.com/windows/win32/services/service-entry-point). Resolves with null where somebody else has
 * started this process.
 */
export function joinServiceManager(name: string): Promise<Host | null> {
  const koffi = loadKoffi();
  const { promise, resolve } = Promise.withResolvers<Host | null>();
  const stop = Promise.withResolvers<void>();
  const main = koffi.proto("void __stdcall ServiceMain(uint32 argc, void *argv)");
  const handler = koffi.proto(
    "uint32 __stdcall HandlerEx(uint32 control, uint32 type, void *data, void *context)",
  );
  koffi.struct("SERVICE_TABLE_ENTRYW", { name: "str16", main: koffi.pointer(main) });
  koffi.struct("SERVICE_STATUS", {
    type: "uint32",
    state: "uint32",
    accepted: "uint32",
    exitCode: "uint32",
    specificExitCode: "uint32",
    checkPoint: "uint32",
    waitHintMs: "uint32",
  });
  const advapi = koffi.load("advapi32.dll");
  const dispatch = advapi.func("bool __stdcall StartServiceCtrlDispatcherW(SERVICE_TABLE_ENTRYW *table)");
  const registerHandler = advapi.func(
    "void * __stdcall RegisterServiceCtrlHandlerExW(str16 name, HandlerEx *handler, void *context)",
  );
  const setStatus = advapi.func("bool __stdcall SetServiceStatus(void *handle, SERVICE_STATUS *status)");

  let handle: unknown = null;
  let reported: number = state.startPending;
  const report = (now: number, waitHintMs = 0, failed = false): void => {
    reported = now;
    setStatus(handle, {
      type: ownProcess,
      state: now,
      accepted: now === state.running ? acceptStopAndShutdown : 0,
      exitCode: failed ? serviceSpecificError : 0,
      specificExitCode: failed ? 1 : 0,
      checkPoint: 0,
      waitHintMs,
    });
  };
  const onControl = koffi.register((code) => {
    if (code === control.interrogate) return 0;
    if (code !== control.stop && code !== control.shutdown) return notImplemented;
    if (reported === state.running) report(state.stopPending, stopMs);
    stop.resolve();
    return 0;
  }, koffi.pointer(handler));
  const onStart = koffi.register(() => {
    handle = registerHandler(name, onControl, null);
    report(state.startPending, startMs);
    resolve({
      stop: stop.promise,
      started: () => report(state.running),
      ended: (failed) => report(state.stopped, 0, failed),
    });
    return undefined;
  }, koffi.pointer(main));
  // Returns at once where the service manager has not started this process, else after the service has stopped.
  dispatch.async(
    [
      { name, main: onStart },
      { name: null, main: null },
    ],
    () => resolve(null),
  );
  return promise;
}

function loadKoffi(): Koffi {
  if (isSea()) return loadNative(koffiAsset) as Koffi;
  return createRequire(import.meta.url)("@koromix/koffi-win32-x64") as Koffi;
}
