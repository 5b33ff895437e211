import { argon2, randomBytes, timingSafeEqual } from "node:crypto";
import { promisify } from "node:util";
import { FlowstateError } from "@flowstate/shared/errors";
import type { Secret } from "@flowstate/shared/secret";

const derive = promisify(argon2);

/** argon2id as OWASP's cheat sheet recommends it: 19 MiB, two passes, one lane. About 30 ms here. */
const cost = { memory: 19_456, passes: 2, parallelism: 1 } as const;
const tagLength = 32;
const shortest = 12;
const longestBytes = 1024;

/** Hashes a new password into PHC form. Throws FS_INPUT_INVALID for one that is too short or too long. */
export async function hashPassword(password: Secret): Promise<string> {
  const text = normalise(password);
  if (text.length < shortest) {
    throw new FlowstateError(
      "FS_INPUT_INVALID",
      `the password is too short; use ${shortest} characters or more`,
    );
  }
  if (Buffer.byteLength(text) > longestBytes) {
    throw new FlowstateError("FS_INPUT_INVALID", `the password is longer than ${longestBytes} bytes`);
  }
  const nonce = randomBytes(16);
  const tag = await derive("argon2id", { ...cost, message: Buffer.from(text), nonce, tagLength });
  const { memory, passes, parallelism } = cost;
  return `$argon2id$v=19$m=${memory},t=${passes},p=${parallelism}$${base64(nonce)}$${base64(tag)}`;
}

/** Whether the password is the one. With null instead of a hash it takes as long and says no. */
export async function verifyPassword(password: Secret, stored: string | null): Promise<boolean> {
  const { memory, passes, parallelism, nonce, tag } = readHash(stored ?? nobody);
  const text = normalise(password);
  if (Buffer.byteLength(text) > longestBytes) return false;
  const found = await derive("argon2id", {
    memory,
    passes,
    parallelism,
    message: Buffer.from(text),
    nonce,
    tagLength: tag.length,
  });
  return timingSafeEqual(found, tag) && stored !== null;
}

/** NFKC, so that a password typed on another keyboard has the same bytes (RFC 8265). */
function normalise(password: Secret): string {
  return password.reveal().normalize("NFKC");
}

function readHash(text: string) {
  const match = /^\$argon2id\$v=19\$m=(\d+),t=(\d+),p=(\d+)\$([\w+/]+)\$([\w+/]+)$/.exec(text);
  if (match === null)
    throw new FlowstateError("FS_STORE_CORRUPT", "a stored password hash has an unknown form");
  const [, memory, passes, parallelism, nonce = "", tag = ""] = match;
  return {
    memory: Number(memory),
    passes: Number(passes),
    parallelism: Number(parallelism),
    nonce: Buffer.from(nonce, "base64"),
    tag: Buffer.from(tag, "base64"),
  };
}

function base64(bytes: Buffer): string {
  return bytes.toString("base64").replace(/=+$/, "");
}

const nobody = `$argon2id$v=19$m=${cost.memory},t=${cost.passes},p=${cost.parallelism}$${base64(Buffer.alloc(16))}$${base64(Buffer.alloc(tagLength))}`;
