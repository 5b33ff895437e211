import { hkdfSync, randomBytes } from "node:crypto";
import {
  closeSync,
  existsSync,
  fsyncSync,
  linkSync,
  openSync,
  readFileSync,
  rmSync,
  writeSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { FlowstateError, systemCode } from "@flowstate/shared/errors";
import type { Secret } from "@flowstate/shared/secret";

/** 32 bytes outside the database from which every other secret of the installation is derived. */
export interface MasterKey {
  /** First letters of a derived fingerprint; stored with what the key sealed. */
  readonly id: string;
  /** Wraps data keys. */
  readonly wrapping: Buffer;
  /** Under which access keys are hashed. A rotation keeps it, because the keys themselves are nowhere. */
  readonly pepper: Buffer;
}

export interface MasterKeySource {
  /** Base64 of 32 bytes. */
  readonly inline: Secret | null;
  readonly file: string | null;
  readonly dataDir: string;
}

/** Reads the key from the setting, from the named file, or from `master.key` in the data folder, made when missing. */
export function loadMasterKey(source: MasterKeySource): MasterKey {
  const { inline, file } = source;
  if (inline !== null) return deriveKeys(decode(inline.reveal(), "FLOWSTATE_MASTER_KEY"));
  if (file !== null) return readMasterKey(file);
  const own = ownFile(source);
  if (!existsSync(own)) writeNewKey(own);
  return readMasterKey(own);
}

/** Where the installation keeps a key that it made itself. */
export function ownFile({ dataDir }: Pick<MasterKeySource, "dataDir">): string {
  return join(dataDir, "master.key");
}

/** Reads a key file. Throws FS_MASTER_KEY, without what the file holds. */
export function readMasterKey(file: string): MasterKey {
  return deriveKeys(decode(readText(file), file));
}

/** Derives the working keys (HKDF-SHA-256, RFC 5869), so that no two purposes share one. */
export function deriveKeys(bytes: Buffer): MasterKey {
  const derive = (purpose: string): Buffer =>
    Buffer.from(hkdfSync("sha256", bytes, "", `flowstate/${purpose}/v1`, 32));
  return {
    id: derive("id").toString("hex").slice(0, 16),
    wrapping: derive("wrap"),
    pepper: derive("pepper"),
  };
}

function decode(text: string, where: string): Buffer {
  const trimmed = text.trim();
  const bytes = Buffer.from(trimmed, "base64");
  if (bytes.length !== 32 || !/^[A-Za-z0-9+/]{43}=?$/.test(trimmed)) {
    throw new FlowstateError("FS_MASTER_KEY", `${where} does not hold 32 bytes in base64`);
  }
  return bytes;
}

function readText(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    throw new FlowstateError("FS_MASTER_KEY", `the master key file ${file} cannot be read`, { cause: error });
  }
}

/**
 * Written whole before it has its name, so that a full disk leaves no half of a key; of two programs that start
 * together one makes the key and the other reads it.
 */
export function writeNewKey(file: string): void {
  const unfinished = `${file}.${process.pid}`;
  try {
    const fd = openSync(unfinished, "w", 0o600);
    try {
      writeSync(fd, `${randomBytes(32).toString("base64")}\n`);
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
    linkSync(unfinished, file);
    syncFolder(dirname(file));
  } catch (error) {
    if (systemCode(error) !== "EEXIST") throw error;
  } finally {
    rmSync(unfinished, { force: true });
  }
}

/** Makes a name in the folder outlast a power cut, before anything is wrapped under the key that it names. */
export function syncFolder(folder: string): void {
  const fd = openSync(folder, "r");
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}
