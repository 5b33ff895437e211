import { ok, refuse } from "@flowstate/shared/parsed";
import { variableCaveats } from "../caveats.ts";
import type { Target } from "../payload.ts";

/** A static file for systemd's user manager, and so for Linux desktops. Loopback mode alone: the file is world-readable. */
export const environmentD: Target = {
  id: "environment-d",
  title: "systemd environment.d",
  variants: ["install"],
  render: (_variant, settings) => {
    if (settings.mode !== "loopback") {
      return refuse(
        "not_possible",
        "files in /etc/environment.d are world-readable and cannot encode an e-mail; render it with --mode loopback",
      );
    }
    const names = (name: string): string[] => [name, name.toLowerCase()];
    const lines = [
      ...[...names("HTTP_PROXY"), ...names("HTTPS_PROXY")].map((name) => `${name}=${settings.relay}`),
      ...names("NO_PROXY").map((name) => `${name}=${settings.noProxy}`),
      "NODE_USE_ENV_PROXY=1",
    ];
    return ok({
      filename: "60-flowstate-proxy.conf",
      language: "ini",
      content: `${lines.join("\n")}\n`,
      steps: [
        "Place it as /etc/environment.d/60-flowstate-proxy.conf, root:root 0644.",
        "People sign out and in once. To remove it, delete the file.",
      ],
      caveats: [
        "Only programs started by systemd's user manager see it (GNOME and KDE sessions); ssh logins do not. The Shell payload reaches those too.",
        ...variableCaveats(settings),
      ],
      companions: [],
    });
  },
};
