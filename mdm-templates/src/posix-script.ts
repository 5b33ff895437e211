import { build } from "plist";
import { usesMdmValues, type Variant } from "./payload.ts";
import type { MdmSettings } from "./settings.ts";
import { fill, readTemplate } from "./template.ts";

/** Shell functions' bodies that find a value, and what to tell the administrator when they find none. */
export interface ValueSource {
  readonly body: string;
  readonly remedy: string;
}

export interface PosixScript {
  readonly title: string;
  readonly variant: Variant;
  readonly settings: MdmSettings;
  readonly email: ValueSource;
  readonly key: ValueSource;
  /** Extension attributes answer in `<result>` and always exit 0. */
  readonly answer?: "exit-code" | "extension-attribute";
}

const core = readTemplate("core.sh");
const userStep = readTemplate("user-step.sh");

const launchAgent = build({
  Label: "inc.flowstate.proxy-env",
  ProgramArguments: ["/bin/sh", "/etc/flowstate-proxy/user-step", "apply"],
  RunAtLoad: true,
  LimitLoadToSessionType: "Aqua",
}).trimEnd();

/** One self-contained POSIX shell program; runs alike in sh, bash, dash and zsh, on macOS and Linux. */
export function posixScript(script: PosixScript): string {
  const { settings, variant } = script;
  const action = variant === "remediate" ? "install" : variant;
  const env = settings.scope === "machine" ? "/etc/flowstate-proxy/env" : '"${HOME:-}/.flowstate-proxy/env"';
  // Sourced only where it is the shell's own user's file: a root shell that kept a person's HOME must not run theirs.
  const guard = settings.scope === "machine" ? `[ -r ${env} ]` : `[ -r ${env} ] && [ -O ${env} ]`;
  const header = [
    "#!/bin/sh",
    `# Flowstate cloud proxy for ${script.title}: ${variant}. Runs as root and sets the signed-in person's proxy variables.`,
    "# Exit codes: 0 done, or nobody is signed in; 1 differs from what is wanted (detect); 2 no usable e-mail; 3 no usable",
    "# key; 4 another proxy is configured; 5 cannot run here.",
    "set -eu",
    'if [ -n "${ZSH_VERSION:-}" ]; then emulate sh; fi',
    "umask 077",
    "FS_ROOT=''",
    "PATH=/usr/bin:/bin:/usr/sbin:/sbin:/usr/libexec",
    "LC_ALL=C",
    "export PATH LC_ALL",
    `FS_VARIANT='${action}'`,
    `FS_MODE='${settings.mode}'`,
    `FS_SCOPE='${settings.scope}'`,
    `FS_REPLACE=${settings.replace ? 1 : 0}`,
    `FS_LOWER_CASE=${settings.lowerCase ? 1 : 0}`,
    `FS_PROXY='${settings.authority}'`,
    `FS_RELAY='${settings.relay}'`,
    `FS_NO_PROXY='${settings.noProxy}'`,
    `FS_CA='${(settings.caPem ?? "").trimEnd()}'`,
    "# shellcheck disable=SC2016 # the shells that start later expand it",
    `FS_SOURCE='if ${guard}; then . ${env}; fi'`,
    "FS_EMAIL=''",
    "FS_KEY=''",
    "FS_CHANGED=0",
    "FS_MADE=''",
    "",
    shellFunction("fs_answer", answerBody(script.answer ?? "exit-code")),
    "",
    shellFunction("fs_find_email", usesMdmValues(variant, settings) ? script.email.body : ":"),
    "",
    shellFunction("fs_find_key", usesMdmValues(variant, settings) ? script.key.body : ":"),
    "",
  ];
  const body = fill(core, {
    USER_STEP: userStep,
    LAUNCH_AGENT: launchAgent,
    SECRET_NAME: settings.secretName,
    EMAIL_REMEDY: script.email.remedy,
    SECRET_REMEDY: script.key.remedy,
  });
  return `${header.join("\n")}\n${body}\n`;
}

/** A text that the MDM pastes in, read as data: the end mark holds a nonce, and more than one line is refused. */
export function pastedValue(variable: "FS_EMAIL" | "FS_KEY", text: string, nonce: string): string {
  return [
    "{",
    `  IFS= read -r ${variable} || :`,
    `  if IFS= read -r fs_more || [ -n "$fs_more" ]; then ${variable}=''; fi`,
    `} <<'FS_END_${nonce}'`,
    text,
    `FS_END_${nonce}`,
  ].join("\n");
}

/** The key from the environment variable of the secret's name, else from what the MDM passes otherwise. */
export function secretFrom(secretName: string, otherwise: string): string {
  return `FS_KEY=\${${secretName}:-}\nif [ -z "$FS_KEY" ]; then\n${otherwise}\nfi`;
}

/** The e-mail from a configuration profile of ours, into which macOS MDMs do expand their placeholder. */
export const emailFromProfile = [
  "fs_file=$FS_ROOT'/Library/Managed Preferences/inc.flowstate.proxy.plist'",
  "FS_EMAIL=$(PlistBuddy -c 'Print :UserEmail' \"$fs_file\" 2>/dev/null || :)",
].join("\n");

function answerBody(answer: "exit-code" | "extension-attribute"): string {
  return answer === "exit-code" ? 'fs_say "$2"\nexit "$1"' : "printf '<result>%s</result>\\n' \"$2\"\nexit 0";
}

// The body is not indented: an end mark must stand at the start of its line.
function shellFunction(name: string, body: string): string {
  return `${name}() {\n${body}\n}`;
}
