import assert from "node:assert/strict";

/** Offsets in a program for Windows: "PE Format" of Microsoft, optional header of PE32+. */
const headerAt = 0x3c;
const optionalHeader = 24;
const pe32Plus = 0x20b;
const checksum = 64;
const certificateTable = 144;

/**
 * A program for Windows without its signature, which is at its end and would not fit it once something is put in: Windows
 * would call the file damaged, and no tool would sign it. Throws for what is no 64-bit program.
 */
export function unsignPe(program: Buffer): Buffer {
  const at = program.readUInt32LE(headerAt);
  assert.equal(program.toString("latin1", at, at + 4), "PE\0\0", "it is no program for Windows");
  const header = at + optionalHeader;
  assert.equal(program.readUInt16LE(header), pe32Plus, "it is no 64-bit program");
  const offset = program.readUInt32LE(header + certificateTable);
  const size = program.readUInt32LE(header + certificateTable + 4);
  if (size === 0) return program;
  assert.equal(offset + size, program.length, "its signature is not at its end");
  const unsigned = Buffer.from(program.subarray(0, offset));
  unsigned.fill(0, header + certificateTable, header + certificateTable + 8);
  // Zero is none, which only drivers need.
  unsigned.writeUInt32LE(0, header + checksum);
  return unsigned;
}
