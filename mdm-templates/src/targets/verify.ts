import { ok } from "@flowstate/shared/parsed";
import type { Target } from "../payload.ts";
import { fill, readTemplate } from "../template.ts";

const template = readTemplate("verify.sh");

/** Step 3 of the set-up as a script: one request through the proxy, and an exit code an MDM can use. */
export const verify: Target = {
  id: "verify",
  title: "Verification script",
  variants: ["detect"],
  render: (_variant, settings) =>
    ok({
      filename: "flowstate-proxy-verify.sh",
      language: "sh",
      content: `${fill(template, { SCHEME: settings.mode === "loopback" ? "http" : "https" })}\n`,
      steps: [
        "Run it on a device that has the payload, as the signed-in person or as root, or use it as a compliance check (audit script, extension attribute, Fleet policy).",
        "Exit 0: routed. 1: no variables. 2: the proxy refused the credential. 3: the proxy was not reached. 5: curl is missing or cannot do it.",
      ],
      caveats: [
        "An answer of the provider, 401 included, proves the way through the proxy; no provider key is needed.",
        "A curl without the HTTPS-proxy feature cannot make this check in direct mode.",
      ],
      companions: [],
    }),
};
