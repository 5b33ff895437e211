import { mallocSettings } from "../packaged/node-options.ts";
import { noChange, type Change, type Command } from "./change.ts";
import { system32 } from "./system32.ts";

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

/** Returns when the service has stopped. */
export const stopWindowsService: Command = [system32("net.exe"), "stop", windowsService];

/**
 * Windows: the agent joins the service manager by itself (`run/windows-host.ts`) and runs as the system, which comes back
 * two seconds after it has ended by itself. A service that somebody looks at cannot be made anew, because it goes only
 * when they have closed it: it is made where there is none, and then told what it is to be.
 */
export function windowsServiceChange({ command }: ServiceOptions): Change {
  const sc = (...args: string[]): Command => [system32("sc.exe"), ...args];
  const line = windowsCommandLine(command);
  const what = ["binPath=", line, "start=", "auto", "DisplayName=", "Flowstate agent"];
  return {
    ...noChange,
    name: "service",
    toStop: [stopWindowsService],
    toMake: [sc("create", windowsService, ...what)],
    afterInstall: [
      sc("config", windowsService, ...what),
      sc("description", windowsService, "Counts what AI tools on this computer use."),
      sc("failure", windowsService, "reset=", "3600", "actions=", "restart/2000"),
      sc("failureflag", windowsService, "1"),
      [system32("net.exe"), "start", windowsService],
    ],
    toUnmake: [sc("delete", windowsService)],
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
export function windowsCommandLine(command: readonly string[]): string {
  return command.map(windowsQuoted).join(" ");
}

function windowsQuoted(text: string): string {
  if (text !== "" && !/[\s"]/.test(text)) return text;
  return `"${text.replaceAll(/(\\*)"/g, '$1$1\\"').replace(/(\\+)$/, "$1$1")}"`;
}
