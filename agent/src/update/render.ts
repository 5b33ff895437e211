import { unreachable } from "@flowstate/shared/assert";
import { ago } from "../local/words.ts";
import type { UpdateStatus } from "./watch.ts";

/** What `flowstate status` says of newer versions, in one line. */
export function renderUpdate(status: UpdateStatus, now: number): string {
  const { policy, checkedAt, problem, available, obstacle } = status;
  if (policy === "disabled") return "not looked for: the organisation's settings say so";
  if (problem !== null) return `not known: ${problem}`;
  if (policy === null || checkedAt === null) return "not looked for yet";
  const looked = `looked for ${ago(checkedAt, now)}`;
  if (obstacle === "pinned_not_offered") return `the pinned version is not offered; ${looked}`;
  if (available === null) return `this is the version to run; ${looked}`;
  return `${available.version} is available; ${whatBecomesOfIt(status)}`;
}

function whatBecomesOfIt({ obstacle, installsAt, installsItself }: UpdateStatus): string {
  if (!installsItself) return "`flowstate install` with the new program installs it";
  switch (obstacle) {
    case "policy":
      return "`flowstate upgrade` installs it";
    case "no_key":
      return "it cannot be checked, because no release key was given to `flowstate install`";
    case "not_signed":
      return "it is not signed with the release key that this device knows, and is not installed";
    case "failed":
      return "it did not start here and was taken back; `flowstate upgrade` tries it again";
    case "pinned_not_offered":
    case null:
      return `it is installed within the hour after ${(installsAt ?? "").slice(0, 16).replace("T", " ")} UTC`;
    default:
      return unreachable(obstacle);
  }
}
