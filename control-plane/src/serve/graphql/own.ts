import type { Person } from "../../access/check.ts";
import { addressesOf, loadAliases } from "../../directory/aliases.ts";
import { personOf, type GraphqlContext } from "./builder.ts";

export interface Own {
  readonly person: Person;
  /** The first of the addresses. */
  readonly subject: string;
  /** Under which what they did stands. */
  readonly addresses: readonly string[];
}

/** Who asks about themselves, by every address that the directory gives them. */
export async function own(context: GraphqlContext): Promise<Own> {
  const person = personOf(context);
  const aliases = await loadAliases(context.store.reader, person.orgId);
  const subject = aliases.get(person.email) ?? person.email;
  return { person, subject, addresses: addressesOf(subject, aliases) };
}
