import { homedir } from "node:os";
import { isSea } from "node:sea";
import { besideRecord } from "../install/record.ts";
import { version } from "../version.ts";
import { readJournal } from "./journal.ts";
import { thisPlatform } from "./offers.ts";
import { readReleaseKey } from "./release-key.ts";
import { createUpdateWatch, type UpdateWatch, type UpdateWatchOptions } from "./watch.ts";

/** The watch for this program on this machine, as its installation stored key and journal. */
export function watchUpdatesHere(
  options: Omit<UpdateWatchOptions, "version" | "platform" | "installsItself" | "key" | "failed">,
): UpdateWatch {
  const { platform } = process;
  const beside = (name: "release-key" | "upgrade.json"): readonly string[] =>
    (["system", "user"] as const).map((scope) => besideRecord(name, platform, scope, homedir()));
  return createUpdateWatch({
    ...options,
    version,
    platform: thisPlatform,
    installsItself: isSea(),
    key: () =>
      beside("release-key")
        .map(readReleaseKey)
        .find((key) => key !== null) ?? null,
    failed: () => new Set(beside("upgrade.json").flatMap((file) => readJournal(file).failed)),
  });
}
