import { once } from "node:events";
import { systemClock } from "@flowstate/shared/clock";
import { background, untilSignal } from "@flowstate/shared/lifecycle";
import { compose, type Proxy } from "../compose.ts";
import type { Config } from "../config.ts";
import type { FromWorker, ToWorker } from "./messages.ts";

const tellMs = 200;

/** Serves as one of several workers, until the supervisor says drain, a signal comes, or the supervisor is gone. */
export async function serveAsWorker(config: Config): Promise<void> {
  const signal = untilSignal();
  const orphaned = once(process, "disconnect");
  const place = Promise.withResolvers<Extract<ToWorker, { type: "place" }>>();
  const drain = Promise.withResolvers<void>();
  let proxy: Proxy | null = null;
  process.on("message", (message: ToWorker) => {
    switch (message.type) {
      case "place":
        return place.resolve(message);
      case "drain":
        return drain.resolve();
      case "tickets":
        return proxy?.setTicketKeys(Buffer.from(message.ticketKeys, "base64"));
      case "others":
        return proxy?.limits.others(message.open);
      case "ask":
        if (proxy !== null) tell({ type: "answer", id: message.id, report: reportOf(proxy) });
        return;
    }
  });
  tell({ type: "hello" });
  const { workers, outboxFile, ticketKeys } = await place.promise;
  const keys = Buffer.from(ticketKeys, "base64");
  {
    await using running = await compose(config, { place: { workers, outboxFile, ticketKeys: keys } });
    proxy = running;
    await using _ = background((stop) => tellOpen(running, stop));
    tell({ type: "ready", address: running.address });
    await Promise.race([signal, orphaned, drain.promise]);
  }
  tell({ type: "last", status: proxy.status() });
}

function reportOf(proxy: Proxy): Extract<FromWorker, { type: "answer" }>["report"] {
  return { status: proxy.status(), tunnels: proxy.tunnels(), unready: proxy.unready() };
}

/** Limits hold for all workers together: each tells what it has open where that is limited, whenever it changes. */
async function tellOpen({ limits }: Proxy, stop: AbortSignal): Promise<void> {
  let told = "{}";
  while (!stop.aborted) {
    await systemClock.sleep(tellMs, stop);
    const open = limits.open();
    const text = JSON.stringify(open);
    if (text !== told) tell({ type: "open", open });
    told = text;
  }
}

/** A supervisor that is gone does not hear it, and its end is known by the channel's. */
function tell(message: FromWorker): void {
  if (process.connected) process.send?.(message, undefined, undefined, () => undefined);
}
