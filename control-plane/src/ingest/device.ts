import type { IncomingMessage } from "node:http";
import { FlowstateError } from "@flowstate/shared/errors";
import type { OrgId } from "@flowstate/shared/ids";
import { parseKey } from "@flowstate/shared/keys";
import { parseBasicCredential } from "@flowstate/shared/net/basic-auth";
import { ok, refuse, type Parsed } from "@flowstate/shared/parsed";
import { parseSubject, type Subject } from "@flowstate/shared/subject";
import type { Keyring } from "../keys/keyring.ts";

export interface DeviceDependencies {
  readonly keyring: Keyring;
}

/** Whom an agent reports for: the e-mail beside the organisation's key, or the owner of a key of their own. */
export interface Device {
  readonly orgId: OrgId;
  readonly subject: Subject;
}

/** Throws `FS_UNAUTHENTICATED` where the request is no device's. */
export async function requireDevice(
  { headers }: Pick<IncomingMessage, "headers">,
  { keyring }: DeviceDependencies,
): Promise<Device> {
  const device = await findDevice(headers.authorization, keyring);
  if (!device.ok) throw new FlowstateError("FS_UNAUTHENTICATED", device.detail);
  return device.value;
}

/** The device that carries this `Authorization`, as it is now. */
export async function findDevice(
  authorization: string | undefined,
  keyring: Keyring,
): Promise<Parsed<Device>> {
  const credential = parseBasicCredential(authorization ?? "");
  const parsed = credential.ok ? parseKey(credential.value.password) : credential;
  const kind = parsed.ok ? parsed.value.kind : null;
  const usable = kind === "org" || kind === "personal" || kind === "service_account";
  const key = usable && credential.ok ? await keyring.check(credential.value.password, kind) : null;
  if (key === null || !credential.ok) {
    return refuse(
      "credential",
      "Basic credentials are expected: the person's e-mail and the organisation's key",
    );
  }
  if (key.subject !== null) return ok({ orgId: key.orgId, subject: key.subject as Subject });
  const subject = parseSubject(credential.value.user);
  return subject.ok ? ok({ orgId: key.orgId, subject: subject.value }) : subject;
}
