import { sql } from "kysely";
import type { OrgId } from "@flowstate/shared/ids";
import { fluencyIndicators } from "@flowstate/shared/wire/fluency";
import { loadAliases } from "../../directory/aliases.ts";
import type { Reader } from "../../store/open.ts";
import type { UsageWindow } from "../../usage-queries/window.ts";
import { addShares, type PersonFluency, type Shares } from "./score.ts";

/** What everybody's conversations of these days show. Further addresses of a person are the person's. */
export async function loadFluency(
  db: Reader,
  orgId: OrgId,
  { startDate, endDate }: UsageWindow,
): Promise<readonly PersonFluency[]> {
  const columns = [
    "conversations",
    ...fluencyIndicators.flatMap((name) => [`${name}_present`, `${name}_sample`]),
  ];
  const sums = columns.map((name) => sql`CAST(sum(${sql.id(name)}) AS BIGINT) AS ${sql.id(name)}`);
  const [aliases, { rows }] = await Promise.all([
    loadAliases(db, orgId),
    sql<Readonly<Record<string, bigint>> & { readonly subject: string }>`
      SELECT subject, rule_version, ${sql.join(sums)} FROM fluency_days
      WHERE org_id = ${orgId} AND day BETWEEN ${startDate} AND ${endDate}
      GROUP BY subject, rule_version`.execute(db),
  ]);
  const found = rows.map((row): PersonFluency => {
    const count = (name: string): number => Number(row[name] ?? 0n);
    return {
      person: aliases.get(row.subject) ?? row.subject,
      ruleVersion: count("rule_version"),
      conversations: count("conversations"),
      shares: Object.fromEntries(
        fluencyIndicators.map((name) => [
          name,
          { present: count(`${name}_present`), sample: count(`${name}_sample`) },
        ]),
      ) as unknown as Shares,
    };
  });
  const people = Map.groupBy(found, ({ person, ruleVersion }) => `${ruleVersion}\n${person}`);
  return [...people.values()].flatMap(([first, ...others]) =>
    first === undefined ? [] : [join(first, others)],
  );
}

function join(first: PersonFluency, others: readonly PersonFluency[]): PersonFluency {
  const conversations = others.reduce((total, one) => total + one.conversations, first.conversations);
  return { ...first, conversations, shares: addShares([first, ...others]) };
}
