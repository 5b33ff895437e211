import { ok } from "@flowstate/shared/parsed";
import { variableCaveats } from "../caveats.ts";
import { usesMdmValues, type Target } from "../payload.ts";
import { powershellScript } from "../powershell-script.ts";

/** Intune expands nothing in scripts and keeps no secret for them: the e-mail is found on the device, as the person. */
export const intune: Target = {
  id: "intune",
  title: "Intune",
  variants: ["install", "uninstall", "detect", "remediate"],
  render: (variant, settings) =>
    ok({
      filename: `flowstate-proxy-${variant}.ps1`,
      language: "powershell",
      content: powershellScript(variant, settings),
      steps: [
        ...(!usesMdmValues(variant, settings)
          ? []
          : [
              `Replace {{${settings.secretName}}} in this script by the organisation key, at upload time only.`,
            ]),
        variant === "detect" || variant === "remediate"
          ? "Devices > Remediations > Create: the detect variant as detection script, the remediate variant as remediation script."
          : "Devices > Scripts and remediations > Platform scripts > Add > Windows 10 and later: upload this.",
        "Run this script using the logged on credentials: Yes. Run in 64-bit PowerShell host: Yes. Signature check: No.",
        "Assign it to a test group of users.",
      ],
      caveats: [
        "Intune has no secret store for scripts, and Microsoft advises against secrets in them: the key is visible to Intune administrators and cached by the management extension. Loopback mode needs no key.",
        "The subject is the user principal name; where it differs from the work e-mail, map it in the directory.",
        "Remediations need Windows Enterprise E3 or E5 (or Education A3 or A5); the platform script needs no such licence but runs once per change.",
        "Windows PowerShell 5.1 and .NET Framework programs do not read these variables.",
        ...variableCaveats(settings),
      ],
      companions: [],
    }),
};
