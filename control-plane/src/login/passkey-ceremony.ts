/** Adding a passkey and signing in with one (Web Authentication Level 3): what the browser is asked, and what it proves. */
import { isIP } from "node:net";
import type { AuthenticationResponseJSON, RegistrationResponseJSON } from "@simplewebauthn/server";
import { z } from "zod";
import { accountIdOf } from "../members/account.ts";
import type { Member } from "../members/members.ts";
import type { Passkey, Proof } from "./passkeys.ts";

/** To whom passkeys belong: this very origin. */
export interface RelyingParty {
  readonly id: string;
  readonly origin: string;
}

/** Null where the control plane is reached by an address: a passkey belongs to a name. */
export function relyingPartyOf({ hostname, origin }: URL): RelyingParty | null {
  return isIP(hostname.replace(/^\[|\]$/g, "")) === 0 ? { id: hostname, origin } : null;
}

/** With its first use: it brings 260 files, a tenth of what the server loads, most of them for attestations. */
const library = () => import("@simplewebauthn/server");

/** EdDSA, ES256, RS256 (COSE). Without this list the library tries an experimental one, of which Node warns. */
const supportedAlgorithmIDs = [-8, -7, -257];

/** What `navigator.credentials.create` is asked: a passkey that its owner unlocks and the browser lists. */
export async function askForNew(
  party: RelyingParty,
  member: Member,
  existing: readonly Passkey[],
  challenge: string,
) {
  const { generateRegistrationOptions } = await library();
  return generateRegistrationOptions({
    rpName: "Flowstate",
    rpID: party.id,
    userName: member.email,
    userDisplayName: member.email,
    userID: new TextEncoder().encode(accountIdOf(member)),
    challenge: bytesOf(challenge),
    attestationType: "none",
    excludeCredentials: existing.map(({ credentialId }) => ({ id: credentialId })),
    supportedAlgorithmIDs,
    authenticatorSelection: { residentKey: "required", userVerification: "required" },
  });
}

/** What `navigator.credentials.get` is asked: any passkey of ours that is at hand. */
export async function askForAny(party: RelyingParty, challenge: string) {
  const { generateAuthenticationOptions } = await library();
  return generateAuthenticationOptions({
    rpID: party.id,
    challenge: bytesOf(challenge),
    userVerification: "required",
  });
}

const text = z.string().max(20_000);
const base = {
  id: text,
  rawId: text,
  type: z.literal("public-key"),
  clientExtensionResults: z.looseObject({}),
};
const registration = z.object({
  ...base,
  response: z.object({
    clientDataJSON: text,
    attestationObject: text,
    transports: z.array(z.string().max(20)).max(10).default([]),
  }),
});
const assertion = z.object({
  ...base,
  response: z.object({
    clientDataJSON: text,
    authenticatorData: text,
    signature: text,
    userHandle: z.string().max(100),
  }),
});

/** Reads what the browser sent of a new passkey; null where it proves nothing. */
export async function verifyNew(
  sent: unknown,
  party: RelyingParty,
  challenge: string,
): Promise<Omit<Passkey, "name" | "createdAt" | "usedAt"> | null> {
  const parsed = registration.safeParse(sent);
  if (!parsed.success) return null;
  const response = parsed.data as RegistrationResponseJSON;
  const { verifyRegistrationResponse } = await library();
  const verified = await orNull(
    verifyRegistrationResponse({
      response,
      ...expected(party, challenge),
      requireUserVerification: true,
      supportedAlgorithmIDs,
    }),
  );
  if (verified?.verified !== true) return null;
  const { credential, credentialDeviceType, credentialBackedUp } = verified.registrationInfo;
  return {
    credentialId: credential.id,
    publicKey: Buffer.from(credential.publicKey).toString("base64url"),
    signCount: credential.counter,
    backupEligible: credentialDeviceType === "multiDevice",
    backedUp: credentialBackedUp,
    transports: parsed.data.response.transports,
  };
}

/** A passkey somebody says they have, before anything is proven. */
export interface Claim {
  readonly accountId: string;
  readonly credentialId: string;
  readonly response: AuthenticationResponseJSON;
}

export function parseClaim(sent: unknown): Claim | null {
  const parsed = assertion.safeParse(sent);
  if (!parsed.success) return null;
  const { id, response } = parsed.data;
  return {
    accountId: Buffer.from(response.userHandle, "base64url").toString(),
    credentialId: id,
    response: parsed.data,
  };
}

/** What the authenticator proves of the passkey; null where it proves nothing. */
export async function verifyClaim(
  { response }: Claim,
  passkey: Passkey,
  party: RelyingParty,
  challenge: string,
): Promise<Proof | null> {
  const credential = {
    id: passkey.credentialId,
    publicKey: new Uint8Array(Buffer.from(passkey.publicKey, "base64url")),
    // The library compares counters before the signature; who has no passkey would read ours from its answers.
    counter: 0,
  };
  const { verifyAuthenticationResponse } = await library();
  const verified = await orNull(
    verifyAuthenticationResponse({
      response,
      credential,
      ...expected(party, challenge),
      requireUserVerification: true,
    }),
  );
  if (verified?.verified !== true) return null;
  const { newCounter, credentialDeviceType, credentialBackedUp } = verified.authenticationInfo;
  return {
    signCount: newCounter,
    backupEligible: credentialDeviceType === "multiDevice",
    backedUp: credentialBackedUp,
  };
}

function expected({ id, origin }: RelyingParty, challenge: string) {
  return { expectedChallenge: challenge, expectedOrigin: origin, expectedRPID: id };
}

function bytesOf(base64url: string): Uint8Array<ArrayBuffer> {
  return new Uint8Array(Buffer.from(base64url, "base64url"));
}

/** The library throws at whatever a stranger got wrong. */
async function orNull<T>(verifying: Promise<T>): Promise<T | null> {
  try {
    return await verifying;
  } catch {
    return null;
  }
}
