import { ok, refuse } from "@flowstate/shared/parsed";
import { variableCaveats } from "../caveats.ts";
import type { Target } from "../payload.ts";

/** A registry file for Group Policy or a logon script, without an ADMX. Loopback mode alone: SYSVOL is readable by everybody. */
export const registry: Target = {
  id: "registry",
  title: "Windows registry file",
  variants: ["install", "uninstall"],
  render: (variant, settings) => {
    if (settings.mode !== "loopback") {
      return refuse(
        "not_possible",
        "a registry file would show the key to everybody who can read it; render it with --mode loopback",
      );
    }
    const values = {
      HTTP_PROXY: settings.relay,
      HTTPS_PROXY: settings.relay,
      NO_PROXY: settings.noProxy,
      NODE_USE_ENV_PROXY: "1",
    };
    const root =
      settings.scope === "machine"
        ? "HKEY_LOCAL_MACHINE\\SYSTEM\\CurrentControlSet\\Control\\Session Manager\\Environment"
        : "HKEY_CURRENT_USER\\Environment";
    const lines = Object.entries(values).map(([name, value]) =>
      variant === "install" ? `"${name}"="${value}"` : `"${name}"=-`,
    );
    return ok({
      filename: `flowstate-proxy-${variant}.reg`,
      language: "ini",
      content: ["Windows Registry Editor Version 5.00", "", `[${root}]`, ...lines, ""].join("\r\n"),
      steps: [
        "Group Policy Management > new policy > Preferences > Windows Settings > Registry: import the values, or run reg import in a logon script.",
        "Link the policy to a test organisational unit; people sign out and in once.",
      ],
      caveats: [
        "A registry file cannot look before it writes: it overwrites a proxy that others set, and its uninstall deletes the values instead of restoring them. Use the Intune script where that matters.",
        ...variableCaveats(settings),
      ],
      companions: [],
    });
  },
};
