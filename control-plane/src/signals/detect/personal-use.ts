import { sql } from "kysely";
import { addUsd, formatUsd, type NanoUsd } from "@flowstate/shared/money";
import { dayMs } from "@flowstate/shared/time";
import { overDays, weekOf, type Day } from "../days.ts";
import type { Detector, Finding, Scope } from "../finding.ts";

const leastNanoUsd = 5_000_000_000n;
const leastCalls = 20;
const noteworthyNanoUsd = 50_000_000_000n;

export const personalUse: Detector = {
  types: ["personal_use_company_account"],
  // Who else works on a repository shows only over weeks.
  cadence: "nightly",
  async find(scope) {
    const owners = await loadOwners(scope);
    if (owners.size === 0) return [];
    const from = Date.parse(weekOf(scope.from));
    const uses = await overDays({ from, to: scope.to }, (day) => loadUses(scope, day));
    return findPersonalUse(uses, owners).filter(({ at }) => at + 7 * dayMs > scope.from);
  },
};

export interface ProjectUse {
  readonly person: string;
  readonly day: number;
  /** As calls name it: `github.com/owner/repository`. */
  readonly project: string;
  readonly calls: number;
  readonly costNanoUsd: NanoUsd;
}

/**
 * Weeks in which one person alone used a company account for repositories of an owner of whom the directory lists no
 * project. What a colleague works on as well is taken for a company's repository that nobody has entered yet.
 */
export function findPersonalUse(
  uses: readonly ProjectUse[],
  ownOwners: ReadonlySet<string>,
): readonly Finding[] {
  const foreign = uses.flatMap((use) => {
    const owner = ownerOf(use.project);
    return owner === null || ownOwners.has(owner) ? [] : [{ ...use, owner }];
  });
  return [...Map.groupBy(foreign, ({ owner }) => owner)].flatMap(([owner, all]) => {
    const people = new Set(all.map(({ person }) => person));
    const [person] = people;
    if (people.size !== 1 || person === undefined) return [];
    return [...Map.groupBy(all, ({ day }) => weekOf(day))].flatMap(([week, part]) => {
      const cost = addUsd(...part.map(({ costNanoUsd }) => costNanoUsd));
      const calls = part.reduce((sum, use) => sum + use.calls, 0);
      if (cost < leastNanoUsd || calls < leastCalls) return [];
      const repositories = [...new Set(part.map(({ project }) => project))].sort().slice(0, 10);
      return {
        type: "personal_use_company_account" as const,
        severity: cost >= noteworthyNanoUsd ? ("WARN" as const) : ("INFO" as const),
        subject: person,
        sessionId: null,
        service: null,
        about: owner,
        occurrence: week,
        at: Date.parse(week),
        evidence: { week, owner, repositories, calls, listPriceUsd: formatUsd(cost) },
      };
    });
  });
}

/** `github.com/acme` of `github.com/acme/api`; null of what names no repository on a host. */
export function ownerOf(project: string): string | null {
  const [host = "", owner = "", ...rest] = project.toLowerCase().split("/");
  return host.includes(".") && owner !== "" && rest.length > 0 ? `${host}/${owner}` : null;
}

async function loadOwners({ db, orgId }: Scope): Promise<ReadonlySet<string>> {
  const rows = await db
    .selectFrom("projects")
    .select("marker")
    .where("org_id", "=", orgId)
    .where("marker", "is not", null)
    .execute();
  return new Set(rows.flatMap(({ marker }) => ownerOf(marker ?? "") ?? []));
}

/** What people paid themselves, or nobody paid, is no use of a company account. */
async function loadUses({ db, orgId, personOf }: Scope, { from, to }: Day): Promise<readonly ProjectUse[]> {
  const rows = await db
    .selectFrom("usage_hours")
    .select(["subject", "project"])
    .select([
      sql<bigint>`CAST(sum(calls) AS BIGINT)`.as("calls"),
      sql<bigint>`CAST(sum(cost_nano_usd) AS BIGINT)`.as("cost"),
    ])
    .where("org_id", "=", orgId)
    .where("hour", ">=", from)
    .where("hour", "<", to)
    .where("project", "<>", "")
    .where("billing", "not in", ["byok", "free"])
    .groupBy(["subject", "project"])
    .execute();
  return rows.map(({ subject, project, calls, cost }) => ({
    person: personOf(subject),
    day: from,
    project,
    calls: Number(calls),
    costNanoUsd: cost as NanoUsd,
  }));
}
