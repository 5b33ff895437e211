import { systemClock } from "@flowstate/shared/clock";
import { createLogger } from "@flowstate/shared/log";
import type { Config } from "../config.ts";
import { createEvents } from "../events.ts";
import type { Installation } from "../secrets/installation.ts";
import { findConnector } from "./registry.ts";
import type { SyncServices } from "./sync.ts";

/** What syncing stands on in a command. Its answer says what happened; a log line beside it would say it twice. */
export function servicesOf(config: Config, { store, master }: Installation): SyncServices {
  return {
    store,
    master,
    clock: systemClock,
    events: createEvents(createLogger("control-plane", "silent")),
    findConnector,
    baseUrlAllowed: config.providerBaseUrlAllowed,
  };
}
