import type { ServiceEnvironment } from "../service-accounts/tables.ts";

export interface SelfServiceTables {
  /** Keys that people ask for themselves. One of a person, tool and environment is open at a time; none is deleted. */
  ai_key_requests: {
    org_id: string;
    request_id: string;
    /** Whose key it is: every call under it is theirs. */
    subject: string;
    /** Of the catalogue. */
    tool: string;
    environment: ServiceEnvironment;
    purpose: string;
    state: AiKeyState;
    requested_at: number;
    decided_at: number | null;
    decided_by: string | null;
    /** Why it was refused. */
    reason: string | null;
    /** The key, once it was revealed. */
    key_id: string | null;
  };
  /** Tools for which an admin has said something else than usual. */
  ai_key_tools: {
    org_id: string;
    tool: string;
    /** 0 or 1. */
    requires_approval: bigint;
  };
  /** What a person has noted on a session of theirs, for themselves. */
  ai_session_notes: { org_id: string; session_id: string; note: string; noted_at: number };
  /** Sessions whose person has said which project they were for. */
  ai_session_marks: {
    org_id: string;
    session_id: string;
    /** The project's marker, as calls carry it. */
    project: string;
    /** What the calls carried before. */
    before_project: string | null;
    marked_at: number;
  };
}

/** `APPROVED` has no key yet: the person reveals it, once, and then it is `ACTIVE`. */
export const aiKeyStates = ["PENDING", "APPROVED", "ACTIVE", "REJECTED", "REVOKED"] as const;

export type AiKeyState = (typeof aiKeyStates)[number];
