import { systemClock, type Clock } from "@flowstate/shared/clock";
import { FlowstateError, isFlowstateError } from "@flowstate/shared/errors";
import { hourMs } from "@flowstate/shared/time";
import type { OfferedRelease } from "@flowstate/shared/wire/release";
import { askPolicy } from "../policy/question.ts";
import { version } from "../version.ts";
import { decideUpdate, type UpdateDecision, type UpdateQuestion } from "./decide.ts";
import type { Installed } from "./installed.ts";
import { readJournal } from "./journal.ts";
import { askOffers, thisPlatform, type ControlPlaneAccess } from "./offers.ts";

/**
 * Asks the control plane for the organisation's settings and the releases on offer. Throws FS_UNAVAILABLE where it does
 * not say. What runs is not left to the service: an updater with more rights asks by itself.
 */
export async function askQuestion(
  access: ControlPlaneAccess,
  installed: Pick<Installed, "key" | "journalFile"> | null,
  now = Date.now(),
): Promise<UpdateQuestion> {
  const { signal } = new AbortController();
  const policy = await askPolicy(access, null, 0, signal);
  if (policy.kind === "problem") throw new FlowstateError("FS_UNAVAILABLE", policy.reason);
  if (policy.kind === "same") throw new FlowstateError("FS_UNAVAILABLE", "the control plane said nothing");
  const offers = await askOffers(access, thisPlatform, signal);
  if (offers.kind === "problem") throw new FlowstateError("FS_UNAVAILABLE", offers.reason);
  return {
    settings: policy.kept.policy.settings,
    version,
    platform: thisPlatform,
    offered: offers.releases,
    key: installed?.key ?? null,
    failed: new Set(installed === null ? [] : readJournal(installed.journalFile).failed),
    now,
    spread: Math.random(),
  };
}

/** The updater looks hourly: what opens before it looks again is waited for. */
const longestWaitMs = hourMs + hourMs / 12;

/**
 * What the settings have installed by itself now, after waiting for a window that opens within the hour; or why nothing
 * is, in a few words for the log. A control plane that is away is no failure: a device is often offline.
 */
export async function awaitSchedule(
  ask: () => Promise<UpdateQuestion>,
  clock: Clock = systemClock,
): Promise<OfferedRelease | string> {
  try {
    let decision = decideUpdate(await ask());
    const waitMs = decision.kind === "install" ? decision.at - clock.now() : 0;
    if (waitMs > 0 && waitMs <= longestWaitMs) {
      await clock.sleep(waitMs);
      // The organisation may have said something else in the meantime.
      decision = decideUpdate(await ask());
    }
    if (decision.kind === "install" && decision.at <= clock.now()) return decision.release;
    return inWords(decision);
  } catch (error) {
    if (isFlowstateError(error) && error.code === "FS_UNAVAILABLE") return error.message;
    throw error;
  }
}

function inWords(decision: UpdateDecision): string {
  switch (decision.kind) {
    case "nothing":
      return `nothing to install: ${decision.reason}`;
    case "tell":
      return `${decision.release.version} is not installed: ${decision.obstacle}`;
    case "install":
      return `${decision.release.version} is installed from ${new Date(decision.at).toISOString()} on`;
  }
}
