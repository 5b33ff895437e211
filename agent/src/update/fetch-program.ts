import { createHash } from "node:crypto";
import { open, type FileHandle } from "node:fs/promises";
import { backoffMs, systemClock, type Clock } from "@flowstate/shared/clock";
import { FlowstateError, reasonOf, systemCode } from "@flowstate/shared/errors";
import type { OfferedRelease } from "@flowstate/shared/wire/release";
import { ask } from "../relay/ask.ts";
import type { ControlPlaneAccess } from "./offers.ts";

const attempts = 6;
const attemptMs = 30 * 60_000;

/**
 * Fetches a program into a file that must not exist yet and that nobody else can read, and goes on where a broken
 * connection has stopped. What is there at the end has the size and SHA-256 of the manifest. Throws FS_UPSTREAM for
 * anything else that comes, FS_UNAVAILABLE where too little does, and what the file system says.
 */
export async function fetchProgram(
  access: ControlPlaneAccess,
  release: OfferedRelease,
  {
    file,
    signal,
    clock = systemClock,
  }: { readonly file: string; readonly signal: AbortSignal; readonly clock?: Clock },
): Promise<void> {
  await using handle = await open(file, "wx", 0o600);
  const hash = createHash("sha256");
  const progress = { bytes: 0 };
  for (let attempt = 0; progress.bytes < release.size; attempt += 1) {
    const failure = await fetchRest(access, release, { handle, hash, progress, signal });
    if (failure === null) continue;
    if (attempt + 1 >= attempts || signal.aborted) throw new FlowstateError("FS_UNAVAILABLE", failure);
    await clock.sleep(backoffMs(attempt, { baseMs: 1000, maxMs: 30_000 }), signal);
  }
  if (hash.digest("hex") !== release.sha256)
    throw new FlowstateError(
      "FS_UPSTREAM",
      `what came as ${release.version} is not the program that was signed`,
    );
  await handle.sync();
}

interface Fetching {
  readonly handle: FileHandle;
  readonly hash: ReturnType<typeof createHash>;
  readonly progress: { bytes: number };
  readonly signal: AbortSignal;
}

/** Null where all of an answer was taken; else why it broke off, for another try. */
async function fetchRest(
  { controlPlane, credential }: ControlPlaneAccess,
  { sha256, size, version }: OfferedRelease,
  { handle, hash, progress, signal }: Fetching,
): Promise<string | null> {
  const from = progress.bytes;
  try {
    const answer = await ask(new URL(`/ingest/v1/releases/${sha256}`, controlPlane), {
      headers: {
        authorization: credential.reveal(),
        ...(from === 0 ? {} : { range: `bytes=${from}-`, "if-range": `"${sha256}"` }),
      },
      signal: AbortSignal.any([signal, AbortSignal.timeout(attemptMs)]),
    });
    if (answer.statusCode !== (from === 0 ? 200 : 206)) {
      answer.destroy();
      return `the control plane answers ${answer.statusCode} to the request for ${version}`;
    }
    for await (const chunk of answer as AsyncIterable<Buffer>) {
      if (progress.bytes + chunk.length > size)
        throw new FlowstateError("FS_UPSTREAM", `more came as ${version} than the program that was signed`);
      await handle.writeFile(chunk);
      hash.update(chunk);
      progress.bytes += chunk.length;
    }
    return progress.bytes < size ? `${version} broke off after ${progress.bytes} of ${size} bytes` : null;
  } catch (error) {
    const code = systemCode(error);
    if (error instanceof FlowstateError || code === "ENOSPC" || code === "EDQUOT" || code === "EIO")
      throw error;
    return `${version} cannot be fetched (${reasonOf(error)})`;
  }
}
