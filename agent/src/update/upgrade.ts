import { systemClock, type Clock } from "@flowstate/shared/clock";
import { describeError } from "@flowstate/shared/cli";
import { FlowstateError } from "@flowstate/shared/errors";
import { isSignedBy, type ReleaseKey } from "@flowstate/shared/release-signature";
import type { OfferedRelease } from "@flowstate/shared/wire/release";
import { claimUpgrade } from "../local/instance.ts";
import type { DaemonStatus } from "../local/status.ts";
import { fetchProgram } from "./fetch-program.ts";
import { emptyJournal, readJournal, writeJournal, type Journal } from "./journal.ts";
import type { ControlPlaneAccess } from "./offers.ts";
import { closeWorkFolder, openWorkFolder, proveProgram, sha256Of, siteOf, swap, swapBack } from "./site.ts";

/** What an upgrade works on. */
export interface Upgrading {
  /** The program in place. */
  readonly target: string;
  /** Its version. */
  readonly version: string;
  readonly key: ReleaseKey;
  readonly journalFile: string;
  readonly lockFile: string;
  /** Has the program in place install itself with what is stored. Rejects where it says that it could not. */
  readonly install: () => Promise<void>;
  /** What the service says of itself; null where none answers. */
  readonly askStatus: () => Promise<Pick<DaemonStatus, "version" | "pid"> | null>;
  /** False where no service manager runs, as in an image that is being built. */
  readonly hasService: boolean;
  readonly say: (line: string) => void;
  /** What the new program is started with to say its version. */
  readonly env: NodeJS.ProcessEnv;
  readonly clock?: Clock;
}

/** How long a new version may take to answer on its socket, and how long it then has to stay. */
const answerMs = 60_000;
const steadyMs = 5000;
const lookMs = 250;

/**
 * Puts another version in the place of the one that runs: signed, whole, started once, swapped in one step, installed,
 * and answering. Where it does not answer, the one from before is put back and installed. Throws FS_CONFLICT while
 * another upgrade is under way, FS_UPSTREAM for a program that is not to be believed, FS_UNAVAILABLE where it was taken
 * back.
 */
export async function upgrade(
  access: ControlPlaneAccess,
  release: OfferedRelease,
  upgrading: Upgrading,
  signal: AbortSignal,
): Promise<void> {
  const { target, key, journalFile, say } = upgrading;
  // Before anything is fetched: a control plane cannot even fill the disk with what nobody has signed.
  if (!isSignedBy(release, key))
    throw new FlowstateError(
      "FS_UPSTREAM",
      `${release.version} is not signed with the release key that this device knows (${key.text})`,
    );
  using _ = claimUpgrade(upgrading.lockFile);
  await settleUnlocked(upgrading);
  if ((await sha256Of(target)) === release.sha256) return say(`${release.version} is in place already`);
  const site = siteOf(target);
  openWorkFolder(site);
  try {
    say(`fetching ${release.version} (${Math.ceil(release.size / 1e6)} MB)`);
    await fetchProgram(access, release, {
      file: site.fresh,
      signal,
      ...(upgrading.clock && { clock: upgrading.clock }),
    });
    await proveProgram(site, release.version, upgrading.env);
    const { failed } = readJournal(journalFile);
    const { version, sha256 } = release;
    // What was taken back once and is now tried again by somebody starts anew.
    const attempt = { version, sha256, before: upgrading.version, previous: site.previous };
    writeJournal(journalFile, { attempt, failed: failed.filter((each) => each !== sha256) });
    await swap(site);
    await establish(upgrading, attempt);
  } finally {
    if (readJournal(journalFile).attempt === null) closeWorkFolder(site);
  }
}

/**
 * Brings an upgrade to its end that was interrupted: the new program is given its chance where it is in place, and taken
 * back where it does not answer.
 */
export async function settle(upgrading: Upgrading): Promise<void> {
  using _ = claimUpgrade(upgrading.lockFile);
  await settleUnlocked(upgrading);
}

async function settleUnlocked(upgrading: Upgrading): Promise<void> {
  const { target, journalFile, say } = upgrading;
  const { attempt, failed } = readJournal(journalFile);
  if (attempt === null) return;
  if ((await sha256Of(target)) === attempt.sha256) await establish(upgrading, attempt);
  else {
    // It broke off before the swap, or on the way back, where the service may have been stopped and not been started.
    await upgrading.install().catch((error: unknown) => say(`the way back: ${describeError(error)}`));
    writeJournal(journalFile, { ...emptyJournal, failed });
  }
  closeWorkFolder(siteOf(target));
}

/** Installs the program in place and waits for it to answer; else goes back. */
async function establish(upgrading: Upgrading, attempt: NonNullable<Journal["attempt"]>): Promise<void> {
  const { target, journalFile, say } = upgrading;
  const { failed } = readJournal(journalFile);
  const problem = await tryIt(upgrading, attempt.version);
  if (problem === null) {
    writeJournal(journalFile, { attempt: null, failed });
    return say(`${attempt.version} is in place of ${attempt.before}`);
  }
  const isBack = await swapBack(siteOf(target));
  // First of all: whatever follows, this program is not tried again by itself.
  writeJournal(journalFile, { attempt: null, failed: [...failed, attempt.sha256] });
  if (!isBack)
    throw new FlowstateError("FS_UNAVAILABLE", `${problem}; there is no earlier program to go back to`);
  await upgrading.install().catch((error: unknown) => say(`the way back: ${describeError(error)}`));
  throw new FlowstateError("FS_UNAVAILABLE", `${problem}; ${attempt.before} was put back`);
}

/** Null where the version runs; else what went wrong. */
async function tryIt(upgrading: Upgrading, version: string): Promise<string | null> {
  let installed: string | null = null;
  await upgrading.install().catch((error: unknown) => (installed = describeError(error)));
  // A service may only be slow to start: whether it answers decides, not what the installation has seen of it.
  if (upgrading.hasService)
    return (await answers(upgrading, version))
      ? null
      : (installed ?? `${version} does not answer within ${answerMs / 1000} seconds`);
  return installed;
}

/** Whether the service answers as this version, and goes on as the same process for a while: one that keeps dying answers too. */
async function answers({ askStatus, clock = systemClock }: Upgrading, version: string): Promise<boolean> {
  let pid: number | null = null;
  let since = 0;
  for (const end = clock.now() + answerMs; clock.now() < end; await clock.sleep(lookMs)) {
    const status = await askStatus();
    const seen = status?.version === version ? status.pid : null;
    if (seen === null || seen !== pid) since = clock.now();
    else if (clock.now() - since >= steadyMs) return true;
    pid = seen;
  }
  return false;
}
