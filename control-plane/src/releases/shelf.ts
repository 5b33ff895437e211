import { createHash, randomUUID } from "node:crypto";
import { createReadStream, createWriteStream } from "node:fs";
import { mkdir, open, readdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import * as v from "valibot";
import { FlowstateError, systemCode } from "@flowstate/shared/errors";
import { compareVersions } from "@flowstate/shared/semver";
import {
  releaseChannel,
  releaseManifest,
  type OfferedRelease,
  type ReleaseChannel,
  type ReleaseManifest,
} from "@flowstate/shared/wire/release";

/** The agent's releases that this control plane offers to devices. */
export interface Shelf {
  /** The newest first. */
  list(): Promise<readonly OfferedRelease[]>;
  /** The release whose program has this SHA-256, and where that program is; null where there is none. */
  find(sha256: string): Promise<{ readonly release: OfferedRelease; readonly file: string } | null>;
  /**
   * Takes what `npm run package -w agent` has made, whole or not at all; the same again only changes its channel.
   * `confirm` is the last thing that can fail. Throws FS_NOT_FOUND, FS_INPUT_INVALID for a program that is not the one
   * of its manifest, and FS_CONFLICT where another program bears this version.
   */
  add(
    packaged: string,
    channel: ReleaseChannel,
    confirm: (release: OfferedRelease) => Promise<void>,
  ): Promise<OfferedRelease>;
  /** No more offered; a device that is fetching it gets it to its end. */
  remove(release: OfferedRelease): Promise<void>;
}

/** Where a release stands: what decides is read from the folder's name and from the manifest alike. */
const shelved = /^([a-z0-9]+-[a-z0-9]+)@([0-9a-z.-]+)$/;
const passing = /^\.(?:incoming|outgoing)-/;
/** A folder on its way that is older was left by a process that was killed. */
const abandonedMs = 86_400_000;

/**
 * Releases as folders `PLATFORM@VERSION`, each with `program`, `release.json` as it was signed, and `channel`. A folder
 * comes and goes by a rename: a process that is killed leaves what was there before, and devices never see a part.
 */
export function createShelf(folder: string): Shelf {
  const placeOf = ({ platform, version }: Pick<ReleaseManifest, "platform" | "version">): string =>
    join(folder, `${platform}@${version}`);

  const list = async (): Promise<readonly OfferedRelease[]> => {
    const names = (await namesIn(folder)).filter((name) => shelved.test(name));
    const releases = await Promise.all(names.map((name) => readRelease(join(folder, name))));
    return releases
      .filter((release) => release !== null)
      .sort((a, b) => compareVersions(b.version, a.version) || (a.platform < b.platform ? -1 : 1));
  };

  return {
    list,
    async find(sha256) {
      const release = (await list()).find((each) => each.sha256 === sha256);
      return release === undefined ? null : { release, file: join(placeOf(release), "program") };
    },
    async add(packaged, channel, confirm) {
      const manifest = await readPackaged(packaged);
      const release: OfferedRelease = { ...manifest, channel };
      const place = placeOf(release);
      await mkdir(folder, { recursive: true, mode: 0o700 });
      await clearAbandoned(folder);
      const there = await readRelease(place);
      if (there !== null && there.sha256 !== manifest.sha256) throw taken(manifest);
      const incoming = join(folder, `.incoming-${randomUUID()}`);
      try {
        await mkdir(incoming, { mode: 0o700 });
        if (there === null) await takeProgram(join(packaged, programName(manifest)), incoming, manifest);
        await writeWhole(join(incoming, "release.json"), `${JSON.stringify(manifest, null, 2)}\n`);
        await writeWhole(join(incoming, "channel"), `${channel}\n`);
        await syncFolder(incoming);
        await confirm(release);
        if (there === null) await putInPlace(incoming, place, manifest);
        else
          for (const name of ["release.json", "channel"])
            await rename(join(incoming, name), join(place, name));
        await syncFolder(folder);
      } finally {
        await rm(incoming, { recursive: true, force: true });
      }
      return release;
    },
    async remove(release) {
      const outgoing = join(folder, `.outgoing-${randomUUID()}`);
      await rename(placeOf(release), outgoing);
      await rm(outgoing, { recursive: true, force: true });
    },
  };
}

/** Somebody else may have been faster. */
async function putInPlace(incoming: string, place: string, manifest: ReleaseManifest): Promise<void> {
  try {
    await rename(incoming, place);
  } catch (error) {
    if (["ENOTEMPTY", "EEXIST", "EPERM"].includes(systemCode(error) ?? "")) throw taken(manifest);
    throw error;
  }
}

function taken({ version, platform }: ReleaseManifest): FlowstateError {
  return new FlowstateError(
    "FS_CONFLICT",
    `another ${version} for ${platform} is there; a changed program needs a version of its own`,
  );
}

/** As `npm run package -w agent` names it. */
function programName({ platform }: ReleaseManifest): string {
  return `flowstate-${platform}${platform.startsWith("win32-") ? ".exe" : ""}`;
}

async function readPackaged(folder: string): Promise<ReleaseManifest> {
  const file = join(folder, "release.json");
  const text = await readFile(file, "utf8").catch((error: unknown) => {
    throw new FlowstateError("FS_NOT_FOUND", `${file} cannot be read (${systemCode(error) ?? "unknown"})`, {
      cause: error,
    });
  });
  const manifest = parseManifest(text);
  if (manifest === null) throw new FlowstateError("FS_INPUT_INVALID", `${file} is no manifest of a release`);
  return manifest;
}

/** Copies the program and holds what was copied against its manifest. */
async function takeProgram(
  source: string,
  incoming: string,
  { size, sha256 }: ReleaseManifest,
): Promise<void> {
  const info = await stat(source).catch(() => null);
  if (info === null || !info.isFile()) throw new FlowstateError("FS_NOT_FOUND", `${source} is not there`);
  const wrong = new FlowstateError(
    "FS_INPUT_INVALID",
    `${source} is not the program that release.json describes; package it again`,
  );
  if (info.size !== size) throw wrong;
  const hash = createHash("sha256");
  await pipeline(
    createReadStream(source),
    async function* (chunks: AsyncIterable<Buffer>) {
      for await (const chunk of chunks) {
        hash.update(chunk);
        yield chunk;
      }
    },
    createWriteStream(join(incoming, "program"), { mode: 0o600, flush: true }),
  );
  if (hash.digest("hex") !== sha256) throw wrong;
}

/** Null where no whole release is there. */
async function readRelease(place: string): Promise<OfferedRelease | null> {
  try {
    const [manifest, channel] = await Promise.all([
      readFile(join(place, "release.json"), "utf8"),
      readFile(join(place, "channel"), "utf8"),
    ]);
    const parsed = parseManifest(manifest);
    const known = v.safeParse(releaseChannel, channel.trim());
    return parsed !== null && known.success ? { ...parsed, channel: known.output } : null;
  } catch (error) {
    if (systemCode(error) === "ENOENT") return null;
    throw error;
  }
}

async function clearAbandoned(folder: string): Promise<void> {
  for (const name of (await namesIn(folder)).filter((name) => passing.test(name))) {
    const info = await stat(join(folder, name)).catch(() => null);
    if (info !== null && info.mtimeMs < Date.now() - abandonedMs)
      await rm(join(folder, name), { recursive: true, force: true });
  }
}

async function namesIn(folder: string): Promise<readonly string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if (systemCode(error) === "ENOENT") return [];
    throw error;
  }
}

function parseManifest(text: string): ReleaseManifest | null {
  try {
    const parsed = v.safeParse(releaseManifest, JSON.parse(text));
    return parsed.success ? parsed.output : null;
  } catch {
    return null;
  }
}

async function writeWhole(file: string, text: string): Promise<void> {
  await writeFile(file, text, { mode: 0o600, flush: true });
}

/** A rename is on the disk once its folder is. Windows has no such call. */
async function syncFolder(folder: string): Promise<void> {
  if (process.platform === "win32") return;
  await using handle = await open(folder, "r");
  await handle.sync();
}
