import { codes, type FlowstateError } from "@flowstate/shared/errors";

const told = new Set(["FS_UPSTREAM", "FS_UNAVAILABLE"]);

/** What a caller may read of a failure: our own troubles name files and addresses, so only the hint is told. */
export function publicMessage({ code, message }: FlowstateError): string {
  return codes[code].status < 500 || told.has(code) ? message : codes[code].hint;
}
