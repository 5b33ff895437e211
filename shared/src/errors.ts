interface CodeRow {
  /** HTTP status where the error reaches a client of ours. */
  readonly status: number;
  /** Process exit code, from sysexits(3) where one fits. */
  readonly exit: number;
  /** What the reader can do about it. */
  readonly hint: string;
}

/** Every operational failure a user can meet. HTTP status, GraphQL `extensions.code`, exit code and docs/errors.md follow from it. */
export const codes = {
  FS_USAGE: { status: 400, exit: 64, hint: "see --help" },
  FS_INPUT_INVALID: { status: 400, exit: 65, hint: "correct the named value and try again" },
  FS_NOT_FOUND: { status: 404, exit: 66, hint: "check the identifier" },
  FS_CONFLICT: { status: 409, exit: 65, hint: "read the new state and decide again" },
  FS_UNAUTHENTICATED: { status: 401, exit: 77, hint: "sign in, or send an API key as a bearer token" },
  FS_FORBIDDEN: { status: 403, exit: 77, hint: "ask an owner for the named permission" },
  FS_TOO_LARGE: { status: 413, exit: 65, hint: "send less at once" },
  FS_RATE_LIMITED: { status: 429, exit: 75, hint: "wait as long as Retry-After says" },
  FS_UPSTREAM: { status: 502, exit: 69, hint: "the other side's own words are in the message" },
  FS_UNAVAILABLE: { status: 503, exit: 69, hint: "try again in a moment" },
  FS_STORAGE: { status: 500, exit: 74, hint: "check that the data folder is writable and has room" },
  FS_STORE_CORRUPT: {
    status: 500,
    exit: 74,
    hint: "restore the last backup with `flowstate-control restore FILE`",
  },
  FS_FILE_CORRUPT: {
    status: 500,
    exit: 74,
    hint: "stop the program, move the named file away and start again: it makes a new one",
  },
  FS_ADDRESS_IN_USE: { status: 500, exit: 69, hint: "stop the other program or choose another port" },
  FS_ALREADY_RUNNING: {
    status: 409,
    exit: 69,
    hint: "stop the other one, or set FLOWSTATE_DATA_DIR to a folder of its own",
  },
  FS_MASTER_KEY: {
    status: 500,
    exit: 78,
    hint: "set FLOWSTATE_MASTER_KEY to the key this data was written with",
  },
  FS_CONFIG_INVALID: { status: 500, exit: 78, hint: "fix the named setting and start again" },
  FS_INTERNAL: { status: 500, exit: 70, hint: "this is a defect of ours; the log has the details" },
} as const satisfies Record<string, CodeRow>;

export type ErrorCode = keyof typeof codes;

/** An operational failure with a stable code; match on `code`, never on the class or the text. */
export class FlowstateError extends Error {
  readonly code: ErrorCode;
  /** Machine-readable facts about the failure; never a secret. */
  readonly details: Readonly<Record<string, unknown>>;

  constructor(
    code: ErrorCode,
    message: string,
    options: { cause?: unknown; details?: Readonly<Record<string, unknown>> } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = "FlowstateError";
    this.code = code;
    this.details = options.details ?? {};
  }
}

export function isFlowstateError(error: unknown): error is FlowstateError {
  return (
    error instanceof Error &&
    error.name === "FlowstateError" &&
    "code" in error &&
    typeof error.code === "string" &&
    error.code in codes
  );
}

/** `code` of a Node system error (`ENOSPC`, `EADDRINUSE`), or null. */
export function systemCode(error: unknown): string | null {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : null;
}

/** What went wrong, in the words of the error at the root: `fetch failed` says nothing, its cause does. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error.cause instanceof Error) return reasonOf(error.cause);
  return error.message || (systemCode(error) ?? error.name);
}
