import { ok } from "@flowstate/shared/parsed";
import { variableCaveats } from "../caveats.ts";
import type { Target, Variant } from "../payload.ts";
import { posixScript, secretFrom } from "../posix-script.ts";
import type { MdmSettings } from "../settings.ts";

const emailArgument = [
  'while [ "$#" -gt 0 ]; do',
  "  case $1 in",
  "    --email=*) FS_EMAIL=${1#--email=} ;;",
  '    --email) [ "$#" -lt 2 ] || FS_EMAIL=$2 ;;',
  "  esac",
  "  shift",
  "done",
].join("\n");

const keyPrompt = [
  "if [ -t 0 ]; then",
  "  printf 'Organisation key: ' >&2",
  "  stty -echo",
  "  IFS= read -r FS_KEY || :",
  "  stty echo",
  "  printf '\\n' >&2",
  "else",
  "  IFS= read -r FS_KEY || :",
  "fi",
].join("\n");

/** The script for a device without an MDM; other tools (Ansible) run it too. */
export function shellScript(variant: Variant, settings: MdmSettings): string {
  return posixScript({
    title: "devices without an MDM",
    variant,
    settings,
    email: { body: emailArgument, remedy: "pass --email person@corp.example" },
    key: {
      body: secretFrom(settings.secretName, keyPrompt),
      remedy: "type it when asked, or give it on standard input",
    },
  });
}

export const shell: Target = {
  id: "shell",
  title: "Shell",
  variants: ["install", "uninstall", "detect"],
  render: (variant, settings) =>
    ok({
      filename: `flowstate-proxy-${variant}.sh`,
      language: "sh",
      content: shellScript(variant, settings),
      steps: [
        variant === "uninstall" || settings.mode === "loopback"
          ? `Run on the device: sudo sh flowstate-proxy-${variant}.sh`
          : `Run on the device: sudo sh flowstate-proxy-${variant}.sh --email person@corp.example`,
        ...(variant === "install" && settings.mode === "direct"
          ? ["The key is asked for without echo, or read from standard input: never pass it as an argument."]
          : []),
        "Open a new terminal, or sign in again for GUI programs.",
      ],
      caveats: [
        "On Linux without systemd only login shells and zsh see the variables; sudo strips them unless env_keep lists them.",
        ...variableCaveats(settings),
      ],
      companions: [],
    }),
};
