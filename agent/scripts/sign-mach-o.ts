import assert from "node:assert/strict";
import { createHash } from "node:crypto";

/** Numbers of a program for macOS: mach-o/loader.h, and cs_blobs.h of XNU for what is signed. */
const magic64 = 0xfeedfacf;
const headerBytes = 32;
const segmentCommand = 0x19;
const signatureCommand = 0x1d;
const signatureCommandBytes = 16;
const embeddedSignature = 0xfade0cc0;
const codeDirectory = 0xfade0c02;
const codeDirectoryBytes = 88;
const codeDirectoryVersion = 0x20400;
const adHocByLinker = 0x20002;
const sha256Type = 2;
const mainBinary = 1n;
const pageBits = 12;
const pageBytes = 1 << pageBits;
const segmentPageBytes = 0x4000n;

interface Segment {
  readonly name: string;
  /** Where its command begins. */
  readonly at: number;
  readonly fileOffset: bigint;
  readonly fileSize: bigint;
}

/**
 * A program for macOS with a signature of no identity, as a linker makes it: macOS starts nothing on arm64 without one.
 * It says that the file is whole, and not who has made it. Throws for a file that is no 64-bit program without a
 * signature.
 */
export function signMachO(program: Buffer, identifier: string): Buffer {
  assert.equal(program.readUInt32LE(0), magic64, "it is no 64-bit Mach-O file");
  const segments = readSegments(program);
  const text = segments.find(({ name }) => name === "__TEXT");
  const linkEdit = segments.find(({ name }) => name === "__LINKEDIT");
  assert.ok(text !== undefined && linkEdit !== undefined, "it has no __TEXT or no __LINKEDIT");
  assert.equal(
    linkEdit.fileOffset + linkEdit.fileSize,
    BigInt(program.length),
    "__LINKEDIT is not at its end",
  );

  const codeLimit = Math.ceil(program.length / 16) * 16;
  const pages = Math.ceil(codeLimit / pageBytes);
  const identifierAt = codeDirectoryBytes;
  const hashesAt = identifierAt + identifier.length + 1;
  const directoryLength = hashesAt + pages * 32;
  const signatureLength = 20 + directoryLength;
  const signed = Buffer.concat([program, Buffer.alloc(codeLimit - program.length + signatureLength)]);
  addCommand(signed, codeLimit, signatureLength);
  const linkEditSize = BigInt(signed.length) - linkEdit.fileOffset;
  signed.writeBigUInt64LE(roundUp(linkEditSize, segmentPageBytes), linkEdit.at + 32);
  signed.writeBigUInt64LE(linkEditSize, linkEdit.at + 48);

  const envelope = [embeddedSignature, signatureLength, 1, 0, 20];
  envelope.forEach((value, index) => signed.writeUInt32BE(value, codeLimit + 4 * index));
  const directory = signed.subarray(codeLimit + 20);
  const fields = [
    codeDirectory,
    directoryLength,
    codeDirectoryVersion,
    adHocByLinker,
    hashesAt,
    identifierAt,
    0,
    pages,
    codeLimit,
  ];
  fields.forEach((value, index) => directory.writeUInt32BE(value, 4 * index));
  directory.set([32, sha256Type, 0, pageBits], 36);
  directory.writeBigUInt64BE(text.fileOffset, 64);
  directory.writeBigUInt64BE(text.fileSize, 72);
  directory.writeBigUInt64BE(mainBinary, 80);
  directory.write(identifier, identifierAt, "latin1");
  for (let page = 0; page < pages; page += 1) {
    const bytes = signed.subarray(page * pageBytes, Math.min((page + 1) * pageBytes, codeLimit));
    directory.set(createHash("sha256").update(bytes).digest(), hashesAt + page * 32);
  }
  return signed;
}

function readSegments(program: Buffer): readonly Segment[] {
  return commandsOf(program).flatMap(({ command, at }) => {
    assert.notEqual(command, signatureCommand, "it is signed already");
    if (command !== segmentCommand) return [];
    return [
      {
        name: program.toString("latin1", at + 8, at + 24).replace(/\0.*/s, ""),
        at,
        fileOffset: program.readBigUInt64LE(at + 40),
        fileSize: program.readBigUInt64LE(at + 48),
      },
    ];
  });
}

function commandsOf(program: Buffer): readonly { readonly command: number; readonly at: number }[] {
  const commands: { command: number; at: number }[] = [];
  for (let at = headerBytes; commands.length < program.readUInt32LE(16); at += program.readUInt32LE(at + 4))
    commands.push({ command: program.readUInt32LE(at), at });
  return commands;
}

/** Between the last command and what follows there is room, which is not written to. */
function addCommand(program: Buffer, offset: number, length: number): void {
  const [count, size] = [program.readUInt32LE(16), program.readUInt32LE(20)];
  const at = headerBytes + size;
  const room = program.subarray(at, at + signatureCommandBytes);
  assert.ok(
    room.every((byte) => byte === 0),
    "there is no room for another command",
  );
  [signatureCommand, signatureCommandBytes, offset, length].forEach((value, index) =>
    room.writeUInt32LE(value, 4 * index),
  );
  program.writeUInt32LE(count + 1, 16);
  program.writeUInt32LE(size + signatureCommandBytes, 20);
}

function roundUp(value: bigint, unit: bigint): bigint {
  return ((value + unit - 1n) / unit) * unit;
}
