import { ok, refuse, type Parsed } from "@flowstate/shared/parsed";
import type { Payload, Target, Variant } from "./payload.ts";
import { parseSettings, type SettingsInput, type SettingsRefusal } from "./settings.ts";
import { ansible } from "./targets/ansible.ts";
import { environmentD } from "./targets/environment-d.ts";
import { fleetdm } from "./targets/fleetdm.ts";
import { googleWorkspace } from "./targets/google-workspace.ts";
import { intune } from "./targets/intune.ts";
import { jamfPro } from "./targets/jamf-pro.ts";
import { jumpcloud } from "./targets/jumpcloud.ts";
import { kandji } from "./targets/kandji.ts";
import { mobileconfig } from "./targets/mobileconfig.ts";
import { mosyle } from "./targets/mosyle.ts";
import { registry } from "./targets/registry.ts";
import { shell } from "./targets/shell.ts";
import { verify } from "./targets/verify.ts";

export type RenderRefusal = SettingsRefusal | "unknown_target" | "unknown_variant" | "not_possible";

export const targets: readonly Target[] = [
  jamfPro,
  intune,
  kandji,
  mosyle,
  googleWorkspace,
  jumpcloud,
  shell,
  mobileconfig,
  ansible,
  environmentD,
  fleetdm,
  registry,
  verify,
];

/**
 * The payload of one target. Pure: the same settings give the same bytes, and no key is ever part of them. Takes the
 * target as GraphQL (`JAMF_PRO`) or the command line (`jamf-pro`) spells it. Never throws.
 */
export function render(
  target: string,
  variant: string,
  input: SettingsInput,
): Parsed<Payload, RenderRefusal> {
  const id = target.toLowerCase().replaceAll("_", "-");
  const found = targets.find((candidate) => candidate.id === id);
  if (found === undefined) {
    const known = targets.map((candidate) => candidate.id).join(", ");
    return refuse(
      "unknown_target",
      `there is no target ${JSON.stringify(id.slice(0, 40))}; choose one of ${known}`,
    );
  }
  if (!isVariantOf(found, variant)) {
    const known = found.variants.join(", ");
    return refuse(
      "unknown_variant",
      `${found.title} has no variant ${JSON.stringify(variant.slice(0, 40))}; it has ${known}`,
    );
  }
  const settings = parseSettings(input);
  if (!settings.ok) return settings;
  const payload = found.render(variant, settings.value);
  if (!payload.ok) return payload;
  const caveats = [...payload.value.caveats, ...settings.value.noProxyWarnings];
  return ok({ ...payload.value, caveats, target: found.id, variant });
}

function isVariantOf(target: Target, variant: string): variant is Variant {
  return target.variants.some((known) => known === variant);
}
