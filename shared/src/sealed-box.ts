import { createCipheriv, createDecipheriv, randomBytes } from "node:crypto";

const nonceBytes = 12;
const tagBytes = 16;

/**
 * Encrypts with AES-256-GCM (NIST SP 800-38D) under a key of 32 bytes and a random nonce: nonce, tag, ciphertext.
 * `boundTo` is authenticated beside it, so that a box moved to another place does not open.
 */
export function sealBox(clear: Buffer, key: Buffer, boundTo: string): Buffer {
  const nonce = randomBytes(nonceBytes);
  const cipher = createCipheriv("aes-256-gcm", key, nonce).setAAD(Buffer.from(boundTo));
  const body = Buffer.concat([cipher.update(clear), cipher.final()]);
  return Buffer.concat([nonce, cipher.getAuthTag(), body]);
}

/** The clear bytes; null where the box was changed or moved, or sealed with another key. Never throws. */
export function openBox(box: Buffer, key: Buffer, boundTo: string): Buffer | null {
  if (box.length < nonceBytes + tagBytes) return null;
  const decipher = createDecipheriv("aes-256-gcm", key, box.subarray(0, nonceBytes), {
    authTagLength: tagBytes,
  })
    .setAAD(Buffer.from(boundTo))
    .setAuthTag(box.subarray(nonceBytes, nonceBytes + tagBytes));
  const clear = decipher.update(box.subarray(nonceBytes + tagBytes));
  try {
    return Buffer.concat([clear, decipher.final()]);
  } catch {
    return null;
  }
}
