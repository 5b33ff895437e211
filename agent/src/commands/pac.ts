import { pacScript } from "../relay/pac.ts";
import type { RelayConfig } from "../daemon-config.ts";

/** `flowstate pac`: the script that the relay serves at `/proxy.pac`, for tools that take a file. */
export function printPac({ relayPort, whenDown }: RelayConfig): void {
  process.stdout.write(pacScript(relayPort, whenDown));
}
