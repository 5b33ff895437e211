import { ok } from "@flowstate/shared/parsed";
import { launchctlCaveat, variableCaveats } from "../caveats.ts";
import { usesMdmValues, type Target } from "../payload.ts";
import { emailFromProfile, posixScript, secretFrom } from "../posix-script.ts";
import { configurationProfile } from "../profile.ts";

const profileStep =
  'Configuration Profiles > Application & Custom Settings > Upload: preference domain inc.flowstate.proxy, property list <plist version="1.0"><dict><key>UserEmail</key><string>$EMAIL</string></dict></plist>, level Computer, scoped to the test group. Jamf fills in $EMAIL from User and Location. (`flowstate-mdm render jamf-pro --out FILE` also writes a whole profile; upload it unsigned, for a signed one is not filled in.)';
const policyStep =
  "Policies > New: trigger Recurring Check-in and Enrollment Complete, frequency Ongoing or once a day, add the script, scope it to the test group.";

/** Jamf Pro expands `$EMAIL` in profiles only, and hands a script its secret as parameter 4. */
export const jamfPro: Target = {
  id: "jamf-pro",
  title: "Jamf Pro",
  variants: ["install", "uninstall", "detect"],
  render: (variant, settings) =>
    ok({
      filename: `flowstate-proxy-${variant}.sh`,
      language: "sh",
      content: posixScript({
        title: "Jamf Pro",
        variant,
        settings,
        email: { body: emailFromProfile, remedy: "fill in User and Location of this computer in Jamf Pro" },
        key: {
          body: secretFrom(settings.secretName, "FS_KEY=${4:-}"),
          remedy: "put the key in parameter 4 of the policy's script",
        },
        answer: variant === "detect" ? "extension-attribute" : "exit-code",
      }),
      steps: [
        ...(usesMdmValues(variant, settings) ? [profileStep] : []),
        ...(variant === "detect"
          ? [
              "Settings > Computer management > Extension attributes > New: data type String, input type Script, paste this.",
            ]
          : ["Settings > Computer management > Scripts > New: paste this.", policyStep]),
        ...(variant === "install" && settings.mode === "direct"
          ? [
              `Under the script's Options label parameter 4 ${settings.secretName}, and put the organisation key in it in the policy.`,
            ]
          : []),
      ],
      caveats: [
        "Jamf Pro has no secret store for scripts: parameter 4 is visible to administrators who may read policies, and in the process list while the script runs.",
        "A computer without an e-mail in User and Location is refused with exit code 2.",
        launchctlCaveat,
        ...variableCaveats(settings),
      ],
      companions: [configurationProfile("$EMAIL", settings)],
    }),
};
