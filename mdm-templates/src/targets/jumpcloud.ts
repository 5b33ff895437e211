import { ok } from "@flowstate/shared/parsed";
import { variableCaveats } from "../caveats.ts";
import { usesMdmValues, type Target } from "../payload.ts";
import { pastedValue, posixScript, secretFrom } from "../posix-script.ts";

/** JumpCloud injects secret automation variables into commands, but knows no variable for a person's e-mail. */
export const jumpcloud: Target = {
  id: "jumpcloud",
  title: "JumpCloud",
  variants: ["install", "uninstall"],
  render: (variant, settings) =>
    ok({
      filename: `flowstate-proxy-${variant}.sh`,
      language: "sh",
      content: posixScript({
        title: "JumpCloud",
        variant,
        settings,
        email:
          settings.emailDomain === null
            ? {
                body: pastedValue("FS_EMAIL", "{{USER_EMAIL}}", settings.nonce),
                remedy: "define USER_EMAIL as a local automation variable, or render with --email-domain",
              }
            : {
                body: `FS_EMAIL=$FS_USER'@${settings.emailDomain}'`,
                remedy: "the local user name is not the local part of an e-mail",
              },
        key: {
          body: secretFrom(
            settings.secretName,
            pastedValue("FS_KEY", `{{${settings.secretName}}}`, settings.nonce),
          ),
          remedy: `define the secret automation variable ${settings.secretName}`,
        },
      }),
      steps: [
        ...(!usesMdmValues(variant, settings)
          ? []
          : [
              `Settings > Automation Variables > New: name ${settings.secretName}, the organisation key as value, Secret Variable on.`,
              settings.emailDomain === null
                ? "Define USER_EMAIL as an automation variable local to the command, one command per person (by the API), or render with --email-domain where local user names are the local parts of the e-mails."
                : `The e-mail is the local user name at ${settings.emailDomain}: check that this holds for everybody in the group.`,
              "Copy the reference tokens that the console offers for the variables, where they differ from those in the script.",
            ]),
        "Device Management > Commands > + Command: type Mac or Linux, run as root, paste this, bind it to the test group.",
      ],
      caveats: [
        "JumpCloud has no variable for the person's e-mail; an address shared by several people would break attribution.",
        "The form of JumpCloud's variable reference could not be checked here; a token that is left unexpanded is refused.",
        "For Windows use the Intune script with JumpCloud's Run as signed-in user.",
        ...variableCaveats(settings),
      ],
      companions: [],
    }),
};
