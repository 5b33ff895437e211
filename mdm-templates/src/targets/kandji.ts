import { ok } from "@flowstate/shared/parsed";
import { launchctlCaveat, variableCaveats } from "../caveats.ts";
import { usesMdmValues, type Target } from "../payload.ts";
import { emailFromProfile, pastedValue, posixScript, secretFrom } from "../posix-script.ts";
import { configurationProfile } from "../profile.ts";

const vendorProfile = [
  emailFromProfile,
  'if [ -z "$FS_EMAIL" ]; then',
  "fs_file=$FS_ROOT'/Library/Managed Preferences/io.kandji.globalvariables.plist'",
  "FS_EMAIL=$(PlistBuddy -c 'Print :EMAIL' \"$fs_file\" 2>/dev/null || :)",
  "fi",
].join("\n");

/** Kandji (Iru) expands `$EMAIL` in custom profiles only, and has neither parameters nor secrets for scripts. */
export const kandji: Target = {
  id: "kandji",
  title: "Kandji",
  variants: ["install", "uninstall", "detect", "remediate"],
  render: (variant, settings) =>
    ok({
      filename: `flowstate-proxy-${variant}.sh`,
      language: "sh",
      content: posixScript({
        title: "Kandji",
        variant,
        settings,
        email: {
          body: vendorProfile,
          remedy: "assign this Mac to a user in Kandji and install the custom profile",
        },
        key: {
          body: secretFrom(
            settings.secretName,
            pastedValue("FS_KEY", `{{${settings.secretName}}}`, settings.nonce),
          ),
          remedy: `replace {{${settings.secretName}}} in this script by the key`,
        },
      }),
      steps: [
        ...(usesMdmValues(variant, settings)
          ? [
              "Library > Add > Custom Profile: upload flowstate-proxy.mobileconfig (written by `flowstate-mdm render kandji --out FILE`; Kandji's own Global Variables profile serves as well). Kandji fills in $EMAIL.",
              `Replace {{${settings.secretName}}} in this script by the organisation key.`,
            ]
          : []),
        variant === "detect" || variant === "remediate"
          ? "Library > Add > Custom Script: the detect variant as audit script, the remediate variant as remediation script, every 15 minutes."
          : "Library > Add > Custom Script: paste this as the script, run once per device.",
        "Assign what you added to the test blueprint.",
      ],
      caveats: [
        "Kandji has no secret store for scripts: the key stands in the script and is visible to its administrators.",
        launchctlCaveat,
        ...variableCaveats(settings),
      ],
      companions: [configurationProfile("$EMAIL", settings)],
    }),
};
