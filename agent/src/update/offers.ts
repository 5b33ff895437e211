import * as v from "valibot";
import { reasonOf } from "@flowstate/shared/errors";
import type { Secret } from "@flowstate/shared/secret";
import { releaseList, type OfferedRelease } from "@flowstate/shared/wire/release";
import { ask, readText } from "../relay/ask.ts";

/** How a device speaks to its control plane. */
export interface ControlPlaneAccess {
  readonly controlPlane: URL;
  /** `Basic …` of the person's e-mail and the organisation's key. */
  readonly credential: Secret;
}

export type Offers =
  | { readonly kind: "offers"; readonly releases: readonly OfferedRelease[] }
  | { readonly kind: "problem"; readonly reason: string };

/** As releases name the system and processor of this machine. */
export const thisPlatform: string = `${process.platform}-${process.arch}`;

const answerMs = 30_000;
/** A thousand releases take a third of it. */
const mostBytes = 1 << 20;

/** Which releases the control plane offers for a system and processor. Never rejects. */
export async function askOffers(
  { controlPlane, credential }: ControlPlaneAccess,
  platform: string,
  signal: AbortSignal,
): Promise<Offers> {
  try {
    const answer = await ask(new URL(`/ingest/v1/releases?platform=${platform}`, controlPlane), {
      headers: { authorization: credential.reveal() },
      signal: AbortSignal.any([signal, AbortSignal.timeout(answerMs)]),
    });
    const text = await readText(answer, mostBytes);
    const status = answer.statusCode ?? 0;
    // A control plane from before there were releases offers none.
    if (status === 404) return { kind: "offers", releases: [] };
    if (status === 401 || status === 403)
      return problem(`the control plane refuses the key or the e-mail (${status})`);
    if (status !== 200) return problem(`the control plane answers ${status}`);
    const list = v.safeParse(releaseList, JSON.parse(text));
    return list.success
      ? { kind: "offers", releases: list.output.releases }
      : problem("the control plane's releases are not understood");
  } catch (error) {
    return problem(`the control plane cannot be reached (${reasonOf(error)})`);
  }
}

function problem(reason: string): Offers {
  return { kind: "problem", reason };
}
