import { ok } from "@flowstate/shared/parsed";
import type { Target } from "../payload.ts";
import { configurationProfile } from "../profile.ts";

/** The configuration profile by itself, for any MDM that expands `$EMAIL` in custom profiles. */
export const mobileconfig: Target = {
  id: "mobileconfig",
  title: "Apple configuration profile",
  variants: ["install"],
  render: (_variant, settings) =>
    ok({
      ...configurationProfile("$EMAIL", settings),
      steps: [
        "Upload it unsigned as a custom profile; where your MDM spells the e-mail placeholder differently, replace $EMAIL.",
        "Deploy the MDM's script payload beside it: the profile carries the e-mail, the certificate authority and the login-item rule, the script sets the variables.",
        "To remove it, take the profile out of scope: the MDM deletes it.",
      ],
      caveats: [
        "Apple's own proxy payloads cannot speak TLS to a proxy and would send the credential in clear text, so they are not used.",
        "A signed profile is not filled in by the MDM: $EMAIL would stay literal, and the script refuses it.",
      ],
      companions: [],
    }),
};
