import { isFlowstateError } from "@flowstate/shared/errors";
import { orgId as storedOrgId } from "@flowstate/shared/ids";
import type { Reader } from "../store/open.ts";
import { requireMember, type Member } from "./members.ts";

/** How a member is named where the organisation is not known beforehand; says nothing about the person. */
export function accountIdOf({ orgId, memberId }: Pick<Member, "orgId" | "memberId">): string {
  return `${orgId}/${memberId}`;
}

/** The member as they are now; null once they have left. */
export async function memberOfAccount(db: Reader, accountId: string): Promise<Member | null> {
  const [orgId = "", memberId = ""] = accountId.split("/");
  try {
    return await requireMember(db, storedOrgId(orgId), memberId);
  } catch (error) {
    if (isFlowstateError(error) && error.code === "FS_NOT_FOUND") return null;
    throw error;
  }
}
