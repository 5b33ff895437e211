import type { Change } from "./change.ts";

/** The agent as the system's service manager runs it. */
export interface ServiceOptions {
  /** Absolute path of the program, then its arguments. */
  readonly command: readonly [program: string, ...args: string[]];
  /** Settings that are no secret: a unit file can be read by everyone. */
  readonly environment: Readonly<Record<string, string>>;
  /** Folder of the agent's own files, the one place where it writes. */
  readonly dataFolder: string;
}

export const launchdLabel = "inc.flowstate.agent.proxy";
export const systemdUnit = "flowstate-agent.service";
export const windowsService = "FlowstateAgent";

/** macOS: a LaunchDaemon that comes back when it ends, at most once in ten seconds (launchd.plist(5)). */
export function launchdChange(options: ServiceOptions): Change {
  const path = `/Library/LaunchDaemons/${launchdLabel}.plist`;
  return {
    files: [{ path, content: renderLaunchd(options), mode: 0o644 }],
    afterInstall: [["launchctl", "bootstrap", "system", path]],
    beforeRemove: [["launchctl", "bootout", `system/${launchdLabel}`]],
    afterRemove: [],
  };
}

/** Linux: a system unit that comes back within a second and may write its own folder alone (systemd.exec(5)). */
export function systemdChange(options: ServiceOptions): Change {
  return {
    files: [{ path: `/etc/systemd/system/${systemdUnit}`, content: renderSystemd(options), mode: 0o644 }],
    afterInstall: [
      ["systemctl", "daemon-reload"],
      ["systemctl", "enable", "--now", systemdUnit],
    ],
    beforeRemove: [["systemctl", "disable", "--now", systemdUnit]],
    afterRemove: [["systemctl", "daemon-reload"]],
  };
}

/**
 * Windows: Node is no service by itself, so WinSW runs it. `wrapper` is the path of its executable, beside which it
 * looks for a description of the same name.
 */
export function windowsServiceChange(options: ServiceOptions, wrapper: string): Change {
  return {
    files: [{ path: wrapper.replace(/\.exe$/i, ".xml"), content: renderWinsw(options), mode: 0o644 }],
    afterInstall: [
      [wrapper, "install"],
      [wrapper, "start"],
    ],
    beforeRemove: [
      [wrapper, "stop"],
      [wrapper, "uninstall"],
    ],
    afterRemove: [],
  };
}

function renderLaunchd({ command, environment, dataFolder }: ServiceOptions): string {
  const strings = (values: readonly string[]): string =>
    values.map((value) => `    <string>${xml(value)}</string>`).join("\n");
  const pairs = Object.entries(environment)
    .map(([name, value]) => `    <key>${xml(name)}</key>\n    <string>${xml(value)}</string>`)
    .join("\n");
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
  <key>EnvironmentVariables</key>
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
  <string>${xml(dataFolder)}/agent.log</string>
  <key>SoftResourceLimits</key>
  <dict>
    <key>NumberOfFiles</key>
    <integer>8192</integer>
  </dict>
</dict>
</plist>
`;
}

function renderSystemd({ command, environment, dataFolder }: ServiceOptions): string {
  const variables = Object.entries(environment)
    .map(([name, value]) => `Environment=${quoted(`${name}=${value}`)}`)
    .join("\n");
  return `[Unit]
Description=Flowstate agent
After=network.target
StartLimitIntervalSec=0

[Service]
Type=exec
ExecStart=${command.map((part) => quoted(part).replaceAll("$", "$$$$")).join(" ")}
${variables}
Restart=always
RestartSec=1
LimitNOFILE=8192
NoNewPrivileges=yes
ProtectSystem=strict
ReadWritePaths=${quoted(dataFolder)}
PrivateTmp=yes

[Install]
WantedBy=multi-user.target
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

function xml(text: string): string {
  return text
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;");
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
