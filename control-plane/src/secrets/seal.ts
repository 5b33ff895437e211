import { randomBytes } from "node:crypto";
import { FlowstateError } from "@flowstate/shared/errors";
import type { Brand } from "@flowstate/shared/brand";
import { openBox, sealBox } from "@flowstate/shared/sealed-box";
import { Secret } from "@flowstate/shared/secret";
import type { MasterKey } from "./master-key.ts";

/** An encrypted secret as it stands in the database: `v1:<master key id>:<wrapped data key>:<box>`, base64url parts. */
export type Sealed = Brand<string, "Sealed">;

/** Whose secret it is. Bound to the ciphertext, so that a row moved to another record or organisation does not open. */
export interface SealedFor {
  readonly orgId: string;
  /** Table and primary key, for example `usage_providers/01J…`. */
  readonly record: string;
}

/** Encrypts with AES-256-GCM under a data key of its own, which the master key wraps. */
export function seal(clearText: Secret, owner: SealedFor, master: MasterKey): Sealed {
  const dataKey = randomBytes(32);
  const wrapped = sealBox(dataKey, master.wrapping, `wrap|${boundTo(owner)}`);
  const box = sealBox(Buffer.from(clearText.reveal()), dataKey, `data|${boundTo(owner)}`);
  return ["v1", master.id, wrapped.toString("base64url"), box.toString("base64url")].join(":") as Sealed;
}

/** Decrypts. Throws FS_MASTER_KEY when another key sealed it, FS_STORE_CORRUPT when it was changed or moved. */
export function unseal(sealed: Sealed, owner: SealedFor, master: MasterKey): Secret {
  const { keyId, wrapped, box } = split(sealed);
  requireKey(keyId, master);
  return new Secret(decrypt(box, unwrap(wrapped, owner, master), `data|${boundTo(owner)}`).toString());
}

/** Wraps the data key under `to` instead of `from`; the ciphertext itself stays. Already there: unchanged. */
export function rewrap(sealed: Sealed, owner: SealedFor, from: MasterKey, to: MasterKey): Sealed {
  const { keyId, wrapped, box } = split(sealed);
  if (keyId === to.id) return sealed;
  requireKey(keyId, from);
  const again = sealBox(unwrap(wrapped, owner, from), to.wrapping, `wrap|${boundTo(owner)}`);
  return ["v1", to.id, again.toString("base64url"), box.toString("base64url")].join(":") as Sealed;
}

function unwrap(wrapped: Buffer, owner: SealedFor, master: MasterKey): Buffer {
  return decrypt(wrapped, master.wrapping, `wrap|${boundTo(owner)}`);
}

function requireKey(keyId: string, master: MasterKey): void {
  if (keyId === master.id) return;
  throw new FlowstateError(
    "FS_MASTER_KEY",
    `this secret was sealed with master key ${keyId}; the one in use is ${master.id}`,
  );
}

function boundTo({ orgId, record }: SealedFor): string {
  return `${orgId}|${record}`;
}

function split(sealed: Sealed): { keyId: string; wrapped: Buffer; box: Buffer } {
  const [version, keyId, wrapped, box, ...rest] = sealed.split(":");
  if (
    version !== "v1" ||
    keyId === undefined ||
    wrapped === undefined ||
    box === undefined ||
    rest.length > 0
  ) {
    throw new FlowstateError("FS_STORE_CORRUPT", "a sealed secret in the database has an unknown form");
  }
  return { keyId, wrapped: Buffer.from(wrapped, "base64url"), box: Buffer.from(box, "base64url") };
}

function decrypt(box: Buffer, key: Buffer, boundText: string): Buffer {
  const clear = openBox(box, key, boundText);
  if (clear === null)
    throw new FlowstateError("FS_STORE_CORRUPT", "a sealed secret in the database was changed or moved");
  return clear;
}
