import { ok } from "@flowstate/shared/parsed";
import { launchctlCaveat, variableCaveats } from "../caveats.ts";
import { usesMdmValues, type Target } from "../payload.ts";
import { pastedValue, posixScript, secretFrom } from "../posix-script.ts";

/** Mosyle pastes `%Email%` into the text of a custom command, for devices that are assigned to one person. */
export const mosyle: Target = {
  id: "mosyle",
  title: "Mosyle",
  variants: ["install", "uninstall"],
  render: (variant, settings) =>
    ok({
      filename: `flowstate-proxy-${variant}.sh`,
      language: "sh",
      content: posixScript({
        title: "Mosyle",
        variant,
        settings,
        email: {
          body: pastedValue("FS_EMAIL", "%Email%", settings.nonce),
          remedy: "assign this Mac to one person in Mosyle",
        },
        key: {
          body: secretFrom(
            settings.secretName,
            `FS_KEY=\${1:-}\nif [ -z "$FS_KEY" ]; then\n${pastedValue("FS_KEY", `{{${settings.secretName}}}`, settings.nonce)}\nfi`,
          ),
          remedy: `define the variable ${settings.secretName} in Mosyle, or replace {{${settings.secretName}}} in this script by the key`,
        },
      }),
      steps: [
        "Management > Custom Commands > Add new profile: paste this script; it runs as root.",
        ...(!usesMdmValues(variant, settings)
          ? []
          : [
              `Define the variable ${settings.secretName} with the organisation key, or replace {{${settings.secretName}}} in the script by it.`,
            ]),
        "Execution: at every check-in or once a day; assign it to the test group.",
      ],
      caveats: [
        "%Email% is filled in only on devices that are assigned to one person; others are refused with exit code 2.",
        "How Mosyle masks variables of its own is not documented: treat the key as visible to its administrators.",
        launchctlCaveat,
        ...variableCaveats(settings),
      ],
      companions: [],
    }),
};
