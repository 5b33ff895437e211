import { win32 } from "node:path";

/** A program of Windows itself. By its name alone, one that lies in the current folder would be started before it. */
export function system32(program: string): string {
  return win32.join(String.raw`C:\Windows\System32`, program);
}

/**
 * Where an installation lies, its record and the certificate that is to be trusted too: an administrator does what stands
 * there, and nobody else can write there. In `C:\\ProgramData` anybody may make a folder first.
 */
export const windowsFolder = String.raw`C:\Program Files\Flowstate`;

/** On the volume of programs, and for an administrator and the system alone to read. */
export const windowsTemp = String.raw`C:\Windows\Temp`;
