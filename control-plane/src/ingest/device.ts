import type { FastifyRequest } from "fastify";
import { FlowstateError } from "@flowstate/shared/errors";
import type { OrgId } from "@flowstate/shared/ids";
import { parseKey } from "@flowstate/shared/keys";
import { parseBasicCredential } from "@flowstate/shared/net/basic-auth";
import { parseSubject, type Subject } from "@flowstate/shared/subject";
import type { Keyring } from "../keys/keyring.ts";

export interface DeviceDependencies {
  readonly keyring: Keyring;
}

/** Whom an agent reports for: the e-mail beside the organisation's key, or the owner of a key of their own. */
export async function requireDevice(
  request: FastifyRequest,
  { keyring }: DeviceDependencies,
): Promise<{ readonly orgId: OrgId; readonly subject: Subject }> {
  const credential = parseBasicCredential(request.headers.authorization ?? "");
  const parsed = credential.ok ? parseKey(credential.value.password) : credential;
  const kind = parsed.ok ? parsed.value.kind : null;
  const usable = kind === "org" || kind === "personal" || kind === "service_account";
  const key = usable && credential.ok ? await keyring.check(credential.value.password, kind) : null;
  if (key === null || !credential.ok) {
    throw new FlowstateError(
      "FS_UNAUTHENTICATED",
      "Basic credentials are expected: the person's e-mail and the organisation's key",
    );
  }
  if (key.subject !== null) return { orgId: key.orgId, subject: key.subject as Subject };
  const subject = parseSubject(credential.value.user);
  if (!subject.ok) throw new FlowstateError("FS_UNAUTHENTICATED", subject.detail);
  return { orgId: key.orgId, subject: subject.value };
}
