import { Command } from "commander";
import * as v from "valibot";
import { printJson } from "@flowstate/shared/cli";
import { systemClock } from "@flowstate/shared/clock";
import { FlowstateError } from "@flowstate/shared/errors";
import { releaseChannel, type OfferedRelease } from "@flowstate/shared/wire/release";
import { recordAudit, type AuditAction } from "../audit/record.ts";
import { actor, say } from "../command.ts";
import type { Config } from "../config.ts";
import { listOrgs } from "../orgs/orgs.ts";
import { openInstallation } from "../secrets/installation.ts";
import { createShelf } from "./shelf.ts";

/** `flowstate-control releases …`: the agent's programs that devices are offered. */
export function releaseCommands(config: () => Config): Command {
  return new Command("releases")
    .description("releases of the agent that devices are offered")
    .addCommand(
      new Command("add")
        .argument("<folder>", "what `npm run package -w agent` made")
        .description("offer a release; again with another channel, to move it there")
        .requiredOption("--channel <channel>", "stable or beta")
        .option("--json", "print one JSON document")
        .action((folder: string, options: { channel: string; json?: true }) =>
          add(config(), folder, options),
        ),
    )
    .addCommand(
      new Command("list")
        .description("what is offered, the newest first")
        .option("--json", "print one JSON document")
        .action(async ({ json }: { json?: true }) => {
          const releases = await createShelf(config().releasesFolder).list();
          if (json) printJson({ releases });
          else if (releases.length === 0) say("no release is offered");
          else for (const release of releases) say(describe(release));
        }),
    )
    .addCommand(
      new Command("remove")
        .argument("<version>", "as the list names it")
        .description("offer a release no more; devices that run it go on running it")
        .option("--platform <platform>", "such as linux-x64; every one without it")
        .action((version: string, { platform }: { platform?: string }) =>
          remove(config(), version, platform ?? null),
        ),
    );
}

async function add(
  config: Config,
  folder: string,
  { channel: given, json }: { readonly channel: string; readonly json?: true },
): Promise<void> {
  const channel = v.safeParse(releaseChannel, given);
  if (!channel.success) {
    throw new FlowstateError("FS_INPUT_INVALID", `--channel ${given.slice(0, 40)}: it takes stable or beta`);
  }
  const release = await createShelf(config.releasesFolder).add(folder, channel.output, (each) =>
    note(config, "agent_release.added", each),
  );
  if (json) return printJson(release);
  say(describe(release));
  if (release.signature === null) {
    say(
      "It is not signed: agents tell of it and do not install it (`npm run package -w agent -- --sign-key FILE`).",
    );
  }
}

async function remove(config: Config, version: string, platform: string | null): Promise<void> {
  const shelf = createShelf(config.releasesFolder);
  const gone = (await shelf.list()).filter(
    (release) => release.version === version && (platform === null || release.platform === platform),
  );
  if (gone.length === 0) {
    const where = platform === null ? "" : ` for ${platform.slice(0, 40)}`;
    throw new FlowstateError("FS_NOT_FOUND", `there is no release ${version.slice(0, 64)}${where}`);
  }
  for (const release of gone) {
    await note(config, "agent_release.removed", release);
    await shelf.remove(release);
    say(`${release.version} for ${release.platform} is no more offered`);
  }
}

/** A release is for every organisation of the installation, and stands in the audit log of each. */
async function note(config: Config, action: AuditAction, release: OfferedRelease): Promise<void> {
  const { version, platform, channel, sha256, signature } = release;
  await using installation = await openInstallation(config, systemClock);
  await installation.store.transact(async (db) => {
    for (const { orgId } of await listOrgs(db)) {
      await recordAudit(db, {
        orgId,
        at: systemClock.now(),
        actor,
        action,
        target: `${version} ${platform}`,
        detail: `${channel}; SHA-256 ${sha256}; ${signature === null ? "not signed" : `signed with ${signature.key}`}`,
      });
    }
  });
}

function describe({ version, platform, channel, size, releasedAt, signature }: OfferedRelease): string {
  const megabytes = `${(size / 1e6).toFixed(0)} MB`;
  const by = signature === null ? "not signed" : `signed with ${signature.key}`;
  return `${version}  ${platform}  ${channel}  ${megabytes}  ${releasedAt}  ${by}`;
}
