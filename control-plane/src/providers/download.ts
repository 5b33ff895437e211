import { createInterface } from "node:readline";
import { isFlowstateError } from "@flowstate/shared/errors";
import { describeNetworkError, vendorError } from "./failure.ts";
import type { ClientOptions } from "./http.ts";
import type { Pace } from "./pace.ts";

export interface DownloadOptions extends Pick<ClientOptions, "vendor" | "downloadHosts"> {
  readonly pace: Pace;
  readonly override: URL | null;
}

/** Lines of a file that a vendor handed the address of out; see `VendorHttp.lines`. */
export async function* download(
  address: string,
  signal: AbortSignal,
  options: DownloadOptions,
): AsyncGenerator<string> {
  const { vendor, downloadHosts = [], pace, override } = options;
  const url = URL.canParse(address) ? new URL(address) : null;
  const isAllowed =
    override === null
      ? url?.protocol === "https:" && downloadHosts.some((host) => isHost(url.hostname, host))
      : url?.origin === override.origin;
  if (url === null || !isAllowed) {
    throw vendorError("changed", `${vendor} named an address for a file that is not one of its own`);
  }
  await pace.take(signal);
  try {
    const { request } = await import("undici");
    const answer = await request(url, { signal });
    if (answer.statusCode !== 200) {
      await answer.body.dump();
      throw vendorError("unreachable", `${vendor}: the file could not be read (HTTP ${answer.statusCode})`, {
        status: answer.statusCode,
      });
    }
    yield* createInterface({ input: answer.body, crlfDelay: Number.POSITIVE_INFINITY });
  } catch (error) {
    signal.throwIfAborted();
    if (isFlowstateError(error)) throw error;
    throw vendorError("unreachable", `${vendor}: ${describeNetworkError(error)} (file)`, {
      cause: error,
    });
  }
}

function isHost(host: string, allowed: string): boolean {
  return allowed.startsWith(".") ? host.endsWith(allowed) : host === allowed;
}
