import type { Variant } from "./payload.ts";
import type { MdmSettings } from "./settings.ts";
import { fill, readTemplate } from "./template.ts";

const template = readTemplate("windows.ps1");

/** One PowerShell 5.1 program. Everything put in is of an inert alphabet; the e-mail is found on the device at run time. */
export function powershellScript(variant: Variant, settings: MdmSettings): string {
  const machine = settings.scope === "machine";
  return `${fill(template, {
    VARIANT: variant === "remediate" ? "install" : variant,
    AS_WHOM: machine ? " or as SYSTEM; machine-wide variables hold no secret" : ", never as SYSTEM",
    MODE: settings.mode,
    WINDOWS_SCOPE: machine ? "Machine" : "User",
    REGISTRY_ROOT: machine ? "HKLM" : "HKCU",
    REPLACE_PS: settings.replace ? "$true" : "$false",
    PROXY: settings.authority,
    RELAY: settings.relay,
    NO_PROXY: settings.noProxy,
    SECRET_NAME: settings.secretName,
    SECRET_TOKEN: `{{${settings.secretName}}}`,
  })}\n`;
}
