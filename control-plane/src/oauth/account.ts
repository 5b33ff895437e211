import { memberOfAccount } from "../members/account.ts";
import type { Reader } from "../store/open.ts";

/** The member behind a token, in the authorization server's form. */
export async function findAccount(db: Reader, accountId: string) {
  const member = await memberOfAccount(db, accountId);
  return member === null ? undefined : { accountId, claims: () => ({ sub: accountId }) };
}
