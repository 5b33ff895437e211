import { z } from "zod";
import { versionShape } from "../semver.ts";

/** Larger is no agent. */
const mostBytes = 1 << 30;

/** A signature by a release key (`release-signature.ts`) over the other fields. */
const signature = z.object({
  /** The public key, as `fsr_…`: which of an organisation's keys it was, and no proof of anything. */
  key: z.string().regex(/^fsr_[\w-]{43}$/),
  /** 64 bytes of Ed25519 (RFC 8032) in base64url. */
  value: z.string().regex(/^[\w-]{86}$/),
});

/** What is known of one packaged agent: the file `release.json` beside it. */
export const releaseManifest = z.object({
  version: z.string().regex(versionShape),
  /** System and processor as Node names them, such as `linux-x64`. */
  platform: z.string().regex(/^[a-z0-9]{1,16}-[a-z0-9]{1,16}$/),
  /** Bytes of the program. */
  size: z.int().positive().max(mostBytes),
  /** Of the program, lower-case hex. */
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
  releasedAt: z.iso.datetime(),
  /** Null where nobody has signed it: agents then tell of it and do not install it. */
  signature: signature.nullable(),
});

export const releaseChannel = z.enum(["stable", "beta"]);

/** A release as it is offered to devices. */
export const offeredRelease = releaseManifest.extend({ channel: releaseChannel });

/** The answer of `GET /ingest/v1/releases?platform=…`; a program itself is at `/ingest/v1/releases/SHA256`. */
export const releaseList = z.object({ releases: z.array(offeredRelease).max(1000) });

/**
 * A device's own program, a further kind of event beside the calls of a session batch: told when the agent starts and
 * when what it says has changed. With an `available` version it is the event `agent.update.available`.
 */
export const agentEvent = z.object({
  seq: z.number().int().nonnegative(),
  kind: z.literal("agent"),
  occurredAt: z.iso.datetime({ offset: true }),
  version: z.string().regex(versionShape),
  platform: releaseManifest.shape.platform,
  /** The version that the organisation's settings would have here; told where they say `manual`, else null. */
  available: z.string().regex(versionShape).nullable(),
});

export type ReleaseManifest = z.infer<typeof releaseManifest>;
export type ReleaseChannel = z.infer<typeof releaseChannel>;
export type OfferedRelease = z.infer<typeof offeredRelease>;
export type AgentEvent = z.infer<typeof agentEvent>;
