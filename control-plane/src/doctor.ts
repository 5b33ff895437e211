import { describeError } from "@flowstate/shared/cli";
import { systemClock } from "@flowstate/shared/clock";
import { verifyAudit } from "./audit/verify.ts";
import { readConfig, type Config } from "./config.ts";
import { listOrgs } from "./orgs/orgs.ts";
import { openInstallation } from "./secrets/installation.ts";

export interface Finding {
  readonly ok: boolean;
  readonly text: string;
}

/** What `doctor` says: each condition with what is wrong in one sentence. Never throws. */
export async function diagnose(env: NodeJS.ProcessEnv): Promise<readonly Finding[]> {
  let config: Config;
  try {
    config = readConfig(env);
  } catch (error) {
    return [{ ok: false, text: `settings: ${describeError(error)}` }];
  }
  const settings = { ok: true, text: `settings: data in ${config.dataDir}, database ${config.store.kind}` };
  return [settings, ...(await diagnoseStore(config)), await diagnoseServer(config)];
}

async function diagnoseStore(config: Config): Promise<readonly Finding[]> {
  try {
    await using installation = await openInstallation(config, systemClock);
    const { reader } = installation.store;
    const findings: Finding[] = [{ ok: true, text: "database and master key: open and belong together" }];
    for (const { orgId, slug } of await listOrgs(reader)) {
      const verdict = await verifyAudit(reader, orgId);
      findings.push({
        ok: verdict.intact,
        text: verdict.intact
          ? `audit log of ${slug}: ${verdict.entries} entries, unbroken`
          : `audit log of ${slug}: broken at entry ${verdict.sequence}`,
      });
    }
    return findings;
  } catch (error) {
    return [{ ok: false, text: `database: ${describeError(error)}` }];
  }
}

/** A server that is not running is no fault. */
async function diagnoseServer({ localUrl }: Config): Promise<Finding> {
  const address = localUrl.origin;
  try {
    const answer = await fetch(`${address}/readyz`, { signal: AbortSignal.timeout(3000) });
    return { ok: answer.ok, text: `server: ${address} answers ${answer.status}` };
  } catch {
    return { ok: true, text: `server: not running at ${address}` };
  }
}
