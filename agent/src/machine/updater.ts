import { noChange, type Change } from "./change.ts";
import { commandLine, windowsCommandLine, xml, type ServiceOptions } from "./service.ts";
import { system32 } from "./system32.ts";

/** Who looks hourly whether a newer version is to be installed: a program of its own, because it has to stop the service. */
export type UpdaterOptions = Pick<ServiceOptions, "scope" | "home" | "command">;

export const systemdUpdater = "flowstate-upgrade";
export const launchdUpdaterLabel = "inc.flowstate.agent.upgrade";
export const windowsUpdater = "FlowstateAgentUpgrade";

/**
 * Linux: a timer beside the service. Each machine has an hour's minute of its own and keeps it, so that an organisation's
 * devices do not come at once and two runs are never more than an hour apart (systemd.timer(5), FixedRandomDelay).
 */
export function systemdUpdaterChange({ scope, home, command }: UpdaterOptions): Change {
  const system = scope === "system";
  const folder = system ? "/etc/systemd/system" : `${home}/.config/systemd/user`;
  const systemctl = (...args: string[]) => ["systemctl", ...(system ? [] : ["--user"]), ...args] as const;
  const timer = `${systemdUpdater}.timer`;
  const service = `[Unit]
Description=Flowstate agent: installs a newer version where the organisation's settings say so

[Service]
Type=oneshot
ExecStart=${commandLine(command)}
TimeoutStartSec=4h
Nice=10
IOSchedulingClass=idle
`;
  const timing = `[Unit]
Description=Flowstate agent: looks hourly for a newer version

[Timer]
OnCalendar=hourly
RandomizedDelaySec=1h
FixedRandomDelay=yes

[Install]
WantedBy=timers.target
`;
  return {
    ...noChange,
    name: "updater",
    files: [
      { path: `${folder}/${systemdUpdater}.service`, content: service, mode: 0o644 },
      { path: `${folder}/${timer}`, content: timing, mode: 0o644 },
    ],
    toStop: [systemctl("stop", timer)],
    afterInstall: [systemctl("daemon-reload"), systemctl("enable", timer), systemctl("start", timer)],
    beforeRemove: [systemctl("disable", timer)],
    afterRemove: [systemctl("daemon-reload")],
  };
}

/** macOS: a job of its own that launchd starts every hour (launchd.plist(5), StartInterval). `uid` is the person's. */
export function launchdUpdaterChange({ scope, home, command }: UpdaterOptions, uid: number): Change {
  const system = scope === "system";
  const folder = system ? "/Library/LaunchDaemons" : `${home}/Library/LaunchAgents`;
  const domain = system ? "system" : `gui/${uid}`;
  const path = `${folder}/${launchdUpdaterLabel}.plist`;
  const content = `<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<plist version="1.0">
<dict>
  <key>Label</key>
  <string>${launchdUpdaterLabel}</string>
  <key>ProgramArguments</key>
  <array>
${command.map((part) => `    <string>${xml(part)}</string>`).join("\n")}
  </array>
  <key>EnvironmentVariables</key>
  <dict>
    <key>HOME</key>
    <string>${xml(system ? "/var/root" : home)}</string>
  </dict>
  <key>StartInterval</key>
  <integer>3600</integer>
  <key>ProcessType</key>
  <string>Background</string>
</dict>
</plist>
`;
  return {
    ...noChange,
    name: "updater",
    files: [{ path, content, mode: 0o644 }],
    toStop: [["launchctl", "bootout", `${domain}/${launchdUpdaterLabel}`]],
    afterInstall: [["launchctl", "bootstrap", domain, path]],
  };
}

/**
 * Windows: a task of the system's, hourly and at a minute of its own, that is caught up on (Task Scheduler schema,
 * https://learn.microsoft.com/windows/win32/taskschd/task-scheduler-schema). `file` is where its description is kept.
 */
export function windowsUpdaterChange(
  { command: [program, ...args] }: Pick<UpdaterOptions, "command">,
  file: string,
): Change {
  const content = `<Task version="1.2" xmlns="http://schemas.microsoft.com/windows/2004/02/mit/task">
  <RegistrationInfo>
    <Description>Installs a newer version of the Flowstate agent where the organisation's settings say so.</Description>
  </RegistrationInfo>
  <Triggers>
    <TimeTrigger>
      <Enabled>true</Enabled>
      <StartBoundary>2026-01-01T00:00:00</StartBoundary>
      <Repetition>
        <Interval>PT1H</Interval>
      </Repetition>
      <RandomDelay>PT1H</RandomDelay>
    </TimeTrigger>
  </Triggers>
  <Principals>
    <Principal id="Author">
      <UserId>S-1-5-18</UserId>
      <RunLevel>HighestAvailable</RunLevel>
    </Principal>
  </Principals>
  <Settings>
    <MultipleInstancesPolicy>IgnoreNew</MultipleInstancesPolicy>
    <DisallowStartIfOnBatteries>false</DisallowStartIfOnBatteries>
    <StopIfGoingOnBatteries>false</StopIfGoingOnBatteries>
    <StartWhenAvailable>true</StartWhenAvailable>
    <ExecutionTimeLimit>PT4H</ExecutionTimeLimit>
    <Priority>7</Priority>
  </Settings>
  <Actions Context="Author">
    <Exec>
      <Command>${inAscii(xml(program))}</Command>
      <Arguments>${inAscii(xml(windowsCommandLine(args)))}</Arguments>
    </Exec>
  </Actions>
</Task>
`;
  const schtasks = system32("schtasks.exe");
  return {
    ...noChange,
    name: "updater",
    files: [{ path: file, content, mode: 0o644 }],
    afterInstall: [[schtasks, "/create", "/tn", windowsUpdater, "/xml", file, "/f"]],
    beforeRemove: [[schtasks, "/delete", "/tn", windowsUpdater, "/f"]],
  };
}

/** Other characters by their numbers: `schtasks` takes a file without a mark for one in the system's own code page. */
function inAscii(text: string): string {
  return text.replaceAll(/[^\0-\x7f]/gu, (character) => `&#${character.codePointAt(0)};`);
}
