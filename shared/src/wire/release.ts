import * as v from "valibot";
import { versionShape } from "../semver.ts";
import { instant, utcInstant } from "./instant.ts";
import { listOf } from "./list.ts";

/** Larger is no agent. */
const mostBytes = 1 << 30;

const version = v.pipe(v.string(), v.regex(versionShape));

/** A signature by a release key (`release-signature.ts`) over the other fields. */
const signature = v.object({
  /** The public key, as `fsr_…`: which of an organisation's keys it was, and no proof of anything. */
  key: v.pipe(v.string(), v.regex(/^fsr_[\w-]{43}$/)),
  /** 64 bytes of Ed25519 (RFC 8032) in base64url. */
  value: v.pipe(v.string(), v.regex(/^[\w-]{86}$/)),
});

/** What is known of one packaged agent: the file `release.json` beside it. */
export const releaseManifest = v.object({
  version,
  /** System and processor as Node names them, such as `linux-x64`. */
  platform: v.pipe(v.string(), v.regex(/^[a-z0-9]{1,16}-[a-z0-9]{1,16}$/)),
  /** Bytes of the program. */
  size: v.pipe(v.number(), v.safeInteger(), v.minValue(1), v.maxValue(mostBytes)),
  /** Of the program, lower-case hex. */
  sha256: v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/)),
  releasedAt: utcInstant,
  /** Null where nobody has signed it: agents then tell of it and do not install it. */
  signature: v.nullable(signature),
});

export const releaseChannel = v.picklist(["stable", "beta"]);

/** A release as it is offered to devices. */
export const offeredRelease = v.object({ ...releaseManifest.entries, channel: releaseChannel });

/** The answer of `GET /ingest/v1/releases?platform=…`; a program itself is at `/ingest/v1/releases/SHA256`. */
export const releaseList = v.object({ releases: listOf(offeredRelease, 1000) });

/**
 * A device's own program, a further kind of event beside the calls of a session batch: told when the agent starts and
 * when what it says has changed. With an `available` version it is the event `agent.update.available`.
 */
export const agentEvent = v.object({
  seq: v.pipe(v.number(), v.safeInteger(), v.minValue(0)),
  kind: v.literal("agent"),
  occurredAt: instant,
  version,
  platform: releaseManifest.entries.platform,
  /** The version that the organisation's settings would have here; told where they say `manual`, else null. */
  available: v.nullable(version),
});

export type ReleaseManifest = v.InferOutput<typeof releaseManifest>;
export type ReleaseChannel = v.InferOutput<typeof releaseChannel>;
export type OfferedRelease = v.InferOutput<typeof offeredRelease>;
export type AgentEvent = v.InferOutput<typeof agentEvent>;
