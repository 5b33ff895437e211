import { ok } from "@flowstate/shared/parsed";
import { launchctlCaveat, variableCaveats } from "../caveats.ts";
import { usesMdmValues, type Target } from "../payload.ts";
import { emailFromProfile, pastedValue, posixScript, secretFrom } from "../posix-script.ts";
import { configurationProfile } from "../profile.ts";

/** Fleet expands secrets in scripts and the person's identity-provider name in profiles. */
export const fleetdm: Target = {
  id: "fleetdm",
  title: "FleetDM",
  variants: ["install", "uninstall", "detect", "remediate"],
  render: (variant, settings) =>
    ok({
      filename: `flowstate-proxy-${variant}.sh`,
      language: "sh",
      content: posixScript({
        title: "FleetDM",
        variant,
        settings,
        email: {
          body: emailFromProfile,
          remedy: "connect the identity provider to Fleet and send the profile",
        },
        key: {
          body: secretFrom(
            settings.secretName,
            pastedValue("FS_KEY", `$FLEET_SECRET_${settings.secretName}`, settings.nonce),
          ),
          remedy: `define the variable ${settings.secretName} in Fleet`,
        },
      }),
      steps: [
        ...(usesMdmValues(variant, settings)
          ? [
              `Controls > Variables: add ${settings.secretName} with the organisation key; Fleet refuses the upload while it is missing.`,
              "Controls > OS settings > Custom settings: upload flowstate-proxy.mobileconfig (written by `flowstate-mdm render fleetdm --out FILE`).",
            ]
          : []),
        "Controls > Scripts: upload this; run it on the test team, or bind it to a policy as its automation.",
      ],
      caveats: [
        "$FLEET_VAR_HOST_END_USER_IDP_USERNAME needs Fleet Premium and macOS; Fleet sends the profile again when the value changes.",
        launchctlCaveat,
        ...variableCaveats(settings),
      ],
      companions: [configurationProfile("$FLEET_VAR_HOST_END_USER_IDP_USERNAME", settings)],
    }),
};
