import { Command } from "commander";
import { z } from "zod";
import { printJson } from "@flowstate/shared/cli";
import { systemClock } from "@flowstate/shared/clock";
import { FlowstateError } from "@flowstate/shared/errors";
import { Secret } from "@flowstate/shared/secret";
import { change, readPrivate, say } from "../../command.ts";
import type { Config } from "../../config.ts";
import { setOidc } from "./change.ts";
import type { OidcClient } from "./client.ts";
import { redirectUriOf } from "./redirect-uri.ts";
import { readOidcSettings, removeOidcSettings, type OidcSettings } from "./settings.ts";

interface InOrg {
  readonly org: string;
  readonly json?: true;
}

/** `flowstate-control oidc …`: the identity provider, also when nobody can sign in to change it. */
export function oidcCommands(config: () => Config): Command {
  return new Command("oidc")
    .description("the identity provider at which an organisation signs in")
    .addCommand(
      inOrg("show", "what is set, without the secret").action(({ org, json }: InOrg) =>
        change(config(), org, async ({ store }, { orgId }) => {
          const settings = await readOidcSettings(store.reader, orgId);
          if (json) return printJson(settings);
          say(settings === null ? "no identity provider is set" : describe(settings));
        }),
      ),
    )
    .addCommand(
      inOrg("set", "set it in the place of the one before, once its metadata could be read")
        .argument("<file>", "a file only you can read, or - for standard input: one JSON object")
        .action(async (file: string, { org, json }: InOrg) => {
          const settings = config();
          const { secret, given } = parseDocument(await readPrivate(file));
          const oidc = await clientFor(settings);
          await change(settings, org, async ({ store, master }, context) => {
            const stored = await setOidc({ store, master, oidc }, context, given, secret);
            if (json) return printJson(stored);
            say(describe(stored));
            say(`its redirect URI here: ${redirectUriOf(settings.publicUrl ?? settings.localUrl)}`);
          });
        }),
    )
    .addCommand(
      inOrg("remove", "remove it; people sign in by password or passkey again").action(({ org }: InOrg) =>
        change(config(), org, async ({ store }, context) => {
          const removed = await store.transact((db) => removeOidcSettings(db, context));
          say(removed ? "removed" : "no identity provider was set");
        }),
      ),
    );
}

function inOrg(name: string, description: string): Command {
  return new Command(name)
    .description(description)
    .option("--org <slug>", "the organisation", "default")
    .option("--json", "print one JSON document");
}

/** Loaded here, because the HTTP client costs every other command a seventh of a second. */
async function clientFor({ oidcNetworks }: Config): Promise<OidcClient> {
  const { createPublicFetch } = await import("../../oauth/public-fetch.ts");
  const { createOidcClient } = await import("./client.ts");
  return createOidcClient(createPublicFetch(oidcNetworks), systemClock);
}

const role = z.enum(["admin", "finance", "viewer"]);
const document = z.strictObject({
  issuer: z.string(),
  clientId: z.string(),
  clientSecret: z.string().optional(),
  emailDomains: z.array(z.string()),
  defaultRole: role.nullable().default(null),
  groupClaim: z.string().nullable().default(null),
  groupRoles: z.array(z.strictObject({ group: z.string(), role })).default([]),
  onlyOidc: z.boolean().default(false),
});

function parseDocument(text: string): { readonly given: OidcSettings; readonly secret: Secret | null } {
  const parsed = document.safeParse(jsonOf(text));
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    const place = issue === undefined || issue.path.length === 0 ? "the document" : issue.path.join(".");
    throw new FlowstateError("FS_INPUT_INVALID", `${place}: ${issue?.message ?? "not what is expected"}`);
  }
  const { clientSecret, ...given } = parsed.data;
  return { given, secret: clientSecret === undefined ? null : new Secret(clientSecret) };
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // The parser's own message quotes the text, and the text holds the secret.
    throw new FlowstateError("FS_INPUT_INVALID", "the document is not JSON");
  }
}

function describe({
  issuer,
  clientId,
  emailDomains,
  defaultRole,
  groupRoles,
  onlyOidc,
}: OidcSettings): string {
  const groups = groupRoles.map(({ group, role }) => `${group} = ${role}`).join(", ");
  return [
    `${issuer} as ${clientId}, for ${emailDomains.join(", ")}`,
    `roles: ${groups === "" ? "" : `${groups}, `}else ${defaultRole ?? "refused"}`,
    onlyOidc ? "everybody but owners signs in there alone" : "beside passwords and passkeys",
  ].join("\n");
}
