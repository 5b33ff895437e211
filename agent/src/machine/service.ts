import { mallocSettings } from "../packaged/node-options.ts";
import { noChange, type Change } from "./change.ts";

/**
 * The agent as a service manager runs it: for one person, whose logs it reads and whose rights it has. `system` starts
 * it with the machine, `user` with the person's session and without an administrator.
 */
export interface ServiceOptions {
  readonly scope: "system" | "user";
  /** The person's account and home folder. */
  readonly account: string;
  readonly home: string;
  /** Absolute path of the program, then its arguments. */
  readonly command: readonly [program: string, ...args: string[]];
  /** Variables that are no secret: a description can be read by everyone. */
  readonly environment: Readonly<Record<string, string>>;
  /** Folder of the agent's own files, the one place where it writes. */
  readonly dataFolder: string;
}

export const launchdLabel = "inc.flowstate.agent.proxy";
export const systemdUnit = "flowstate-agent.service";
export const windowsService = "FlowstateAgent";

/**
 * macOS: a LaunchDaemon, or the person's LaunchAgent, that comes back when it ends, at most once in ten seconds
 * (launchd.plist(5)). `uid` is the person's.
 */
export function launchdChange(options: ServiceOptions, uid: number): Change {
  const system = options.scope === "system";
  const folder = system ? "/Library/LaunchDaemons" : `${options.home}/Library/LaunchAgents`;
  const domain = system ? "system" : `gui/${uid}`;
  const path = `${folder}/${launchdLabel}.plist`;
  return {
    ...noChange,
    name: "service",
    files: [{ path, content: renderLaunchd(options), mode: 0o644 }],
    toStop: [["launchctl", "bootout", `${domain}/${launchdLabel}`]],
    afterInstall: [["launchctl", "bootstrap", domain, path]],
  };
}

/**
 * Linux: a unit that comes back within a second. With the machine's it may write its data folder alone
 * (systemd.exec(5)); a person's own service manager has no right to close anything.
 */
export function systemdChange(options: ServiceOptions): Change {
  const system = options.scope === "system";
  const folder = system ? "/etc/systemd/system" : `${options.home}/.config/systemd/user`;
  const systemctl = (...args: string[]) => ["systemctl", ...(system ? [] : ["--user"]), ...args] as const;
  return {
    ...noChange,
    name: "service",
    files: [{ path: `${folder}/${systemdUnit}`, content: renderSystemd(options), mode: 0o644 }],
    toStop: [systemctl("stop", systemdUnit)],
    afterInstall: [
      systemctl("daemon-reload"),
      systemctl("enable", systemdUnit),
      systemctl("start", systemdUnit),
    ],
    beforeRemove: [systemctl("disable", systemdUnit)],
    afterRemove: [systemctl("daemon-reload")],
  };
}

/**
 * Windows: Node is no service by itself, so WinSW runs it, as the system and with the person's profile. `wrapper` is the
 * path of its executable, beside which it looks for a description of the same name.
 */
export function windowsServiceChange(options: ServiceOptions, wrapper: string): Change {
  return {
    ...noChange,
    name: "service",
    files: [{ path: wrapper.replace(/\.exe$/i, ".xml"), content: renderWinsw(options), mode: 0o644 }],
    toStop: [
      [wrapper, "stop"],
      [wrapper, "uninstall"],
    ],
    afterInstall: [
      [wrapper, "install"],
      [wrapper, "start"],
    ],
  };
}

function renderLaunchd({ scope, account, command, environment, dataFolder }: ServiceOptions): string {
  const strings = (values: readonly string[]): string =>
    values.map((value) => `    <string>${xml(value)}</string>`).join("\n");
  const pairs = Object.entries(environment)
    .map(([name, value]) => `    <key>${xml(name)}</key>\n    <string>${xml(value)}</string>`)
    .join("\n");
  const user = scope === "user" ? "" : `  <key>UserName</key>\n  <string>${xml(account)}</string>\n`;
  return `<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<plist version="1.0">
<dict>
  <key>Label</key>
  <string>${launchdLabel}</string>
  <key>ProgramArguments</key>
  <array>
${strings(command)}
  </array>
${user}  <key>EnvironmentVariables</key>
  <dict>
${pairs}
  </dict>
  <key>RunAtLoad</key>
  <true/>
  <key>KeepAlive</key>
  <true/>
  <key>ThrottleInterval</key>
  <integer>10</integer>
  <key>ProcessType</key>
  <string>Adaptive</string>
  <key>StandardErrorPath</key>
  <string>${xml(dataFolder)}/agent-stderr.log</string>
  <key>SoftResourceLimits</key>
  <dict>
    <key>NumberOfFiles</key>
    <integer>8192</integer>
  </dict>
</dict>
</plist>
`;
}

function renderSystemd({ scope, account, command, environment, dataFolder }: ServiceOptions): string {
  const variables = Object.entries({ ...mallocSettings, ...environment }).map(
    ([name, value]) => `Environment=${quoted(`${name}=${value}`)}\n`,
  );
  const system = `User=${account}
NoNewPrivileges=yes
ProtectSystem=strict
ReadWritePaths=${quoted(dataFolder)}
PrivateTmp=yes
`;
  return `[Unit]
Description=Flowstate agent
After=network.target
StartLimitIntervalSec=0

[Service]
Type=exec
ExecStart=${commandLine(command)}
${variables.join("")}Restart=always
RestartSec=1
LimitNOFILE=8192
${scope === "system" ? system : ""}
[Install]
WantedBy=${scope === "system" ? "multi-user.target" : "default.target"}
`;
}

function renderWinsw({ command: [program, ...args], environment, dataFolder }: ServiceOptions): string {
  const variables = Object.entries(environment)
    .map(([name, value]) => `  <env name="${xml(name)}" value="${xml(value)}"/>`)
    .join("\n");
  return `<?xml version="1.0" encoding="UTF-8"?>
<service>
  <id>${windowsService}</id>
  <name>Flowstate agent</name>
  <description>Counts what AI tools on this computer use.</description>
  <executable>${xml(program)}</executable>
  <arguments>${xml(args.map(windowsQuoted).join(" "))}</arguments>
${variables}
  <startmode>Automatic</startmode>
  <onfailure action="restart" delay="2 sec"/>
  <resetfailure>1 hour</resetfailure>
  <logpath>${xml(dataFolder)}</logpath>
  <log mode="roll-by-size"/>
</service>
`;
}

/** As text or attribute of an XML document. */
export function xml(text: string): string {
  return text
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;");
}

/** A command as `ExecStart` takes it: no shell reads it, and systemd puts no variable into it. */
export function commandLine(command: ServiceOptions["command"]): string {
  return command.map((part) => quoted(part).replaceAll("$", "$$$$")).join(" ");
}

/** systemd's own quoting; `%` begins a specifier there. */
function quoted(text: string): string {
  const escaped = text.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("%", "%%");
  return `"${escaped}"`;
}

/** As CommandLineToArgvW reads it back. */
function windowsQuoted(text: string): string {
  if (text !== "" && !/[\s"]/.test(text)) return text;
  return `"${text.replaceAll(/(\\*)"/g, '$1$1\\"').replace(/(\\+)$/, "$1$1")}"`;
}
