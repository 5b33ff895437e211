import type { ReactNode } from "react";
import { send, useQuery } from "../api.ts";
import { bytes, day, when, words } from "../format.ts";
import { Badge, Page, Ready } from "../parts/page.tsx";
import { Table, type Column } from "../parts/table.tsx";
import { useToast } from "../parts/toast.tsx";
import { useMay } from "../parts/viewer.tsx";
import {
  saveSettings,
  settingsQuery,
  type Agent,
  type Change,
  type Release,
  type Settings,
} from "../operations/agent-policy.ts";

const captureModes = {
  TELEMETRY: "Telemetry: host, model, counts, status and duration",
  ENTERPRISE: "Enterprise: prompts and answers too, encrypted on the device",
} as const;
const updatePolicies = {
  AUTO: "Automatic, in the maintenance window",
  NOTIFY_ONLY: "Notify on the device",
  MANUAL: "Manual: shown here and on the device",
  DISABLED: "Disabled",
} as const;
const channels = { STABLE: "Stable", BETA: "Beta" } as const;
const enforcements = {
  OBSERVE: "Observe: rules are counted alone",
  ENFORCE: "Enforce: rules warn and block as they say",
} as const;
const weekdays = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"] as const;

/** How every agent of the organisation behaves; what may be used is in the policy. */
export function AgentPolicy(): ReactNode {
  const { loaded, reload } = useQuery(settingsQuery, {});
  const toast = useToast();
  const save = async (change: Change): Promise<void> => {
    try {
      await send(saveSettings, change);
      toast.done("Saved. Agents take it up within seconds.");
    } catch (error) {
      toast.failed(error);
    }
    await reload();
  };
  return (
    <Page title="Agent Policy" lead="How the agents on people's devices behave.">
      <Ready loaded={loaded}>
        {({ agentSettings, agents, agentReleases }) => (
          <>
            <SettingsForm settings={agentSettings} onSave={(change) => void save(change)} />
            <h2>Releases</h2>
            <Table
              caption="Releases of the agent"
              columns={releaseColumns}
              rows={agentReleases}
              rowKey={({ sha256 }) => sha256}
              empty={
                <>
                  No release is offered to devices yet: <code>flowstate-control releases add</code> offers
                  one.
                </>
              }
            />
            <h2>Devices</h2>
            <Table
              caption="Agents on devices"
              columns={agentColumns}
              rows={agents}
              rowKey={({ device }) => device}
              empty="No agent has told its version yet."
            />
          </>
        )}
      </Ready>
    </Page>
  );
}

const releaseColumns: readonly Column<Release>[] = [
  { title: "Version", cell: ({ version }) => version, text: ({ version }) => version },
  { title: "Platform", cell: ({ platform }) => platform, text: ({ platform }) => platform },
  {
    title: "Channel",
    cell: ({ channel }) => <Badge kind={channel}>{words(channel)}</Badge>,
    text: ({ channel }) => channel,
  },
  {
    title: "Size",
    cell: ({ sizeBytes }) => bytes(String(sizeBytes)),
    text: ({ sizeBytes }) => String(sizeBytes),
    numeric: true,
  },
  { title: "Packaged", cell: ({ releasedAt }) => day(releasedAt), text: ({ releasedAt }) => releasedAt },
  {
    title: "Signed with",
    cell: ({ signedWith }) =>
      signedWith === null ? "not signed: not installed by agents" : <code>{signedWith.slice(0, 12)}…</code>,
    text: ({ signedWith }) => signedWith ?? "",
  },
];

const agentColumns: readonly Column<Agent>[] = [
  { title: "Person", cell: ({ subject }) => subject, text: ({ subject }) => subject },
  { title: "Version", cell: ({ version }) => version, text: ({ version }) => version },
  {
    title: "Available",
    cell: ({ updateAvailable }) => updateAvailable ?? "",
    text: ({ updateAvailable }) => updateAvailable ?? "",
  },
  { title: "Platform", cell: ({ platform }) => platform, text: ({ platform }) => platform },
  {
    title: "Last reported",
    cell: ({ lastReportedAt }) => when(lastReportedAt),
    text: ({ lastReportedAt }) => lastReportedAt,
  },
];

function SettingsForm({
  settings,
  onSave,
}: {
  readonly settings: Settings;
  readonly onSave: (change: Change) => void;
}): ReactNode {
  const may = useMay("AI_POLICY_ADMIN");
  const { maintenanceWindow: hours } = settings;
  return (
    <form
      className="card"
      aria-label="Agent policy"
      onSubmit={(event) => {
        event.preventDefault();
        onSave(changeOf(new FormData(event.currentTarget)));
      }}
    >
      <Choice name="captureMode" label="Capture" options={captureModes} value={settings.captureMode} />
      <Choice name="enforcement" label="Enforcement" options={enforcements} value={settings.enforcement} />
      <Choice name="updatePolicy" label="Updates" options={updatePolicies} value={settings.updatePolicy} />
      <Choice name="updateChannel" label="Channel" options={channels} value={settings.updateChannel} />
      <label>
        <span>Pinned version (empty for the newest of the channel)</span>
        <input name="pinnedVersion" defaultValue={settings.pinnedVersion ?? ""} maxLength={50} />
      </label>
      <label>
        <span>Your own proxy on the way out (empty for none)</span>
        <input
          name="upstreamProxy"
          defaultValue={settings.upstreamProxy ?? ""}
          placeholder="http://proxy.example.com:3128"
          maxLength={300}
        />
      </label>
      <fieldset className="line">
        <legend>Maintenance window in UTC (no day for any time)</legend>
        {weekdays.map((name, index) => (
          <label key={name} className="inline">
            <input
              type="checkbox"
              name="weekday"
              value={index}
              defaultChecked={hours?.weekdays.includes(index) === true}
            />
            <span>{name}</span>
          </label>
        ))}
        <label className="inline">
          <span>From</span>
          <input name="from" type="time" defaultValue={hours?.from ?? "22:00"} required />
        </label>
        <label className="inline">
          <span>Until</span>
          <input name="until" type="time" defaultValue={hours?.until ?? "04:00"} required />
        </label>
      </fieldset>
      <p>
        <button className="primary" disabled={!may}>
          Save
        </button>
      </p>
    </form>
  );
}

function Choice<Value extends string>({
  name,
  label,
  options,
  value,
}: {
  readonly name: string;
  readonly label: string;
  readonly options: Readonly<Record<Value, string>>;
  readonly value: Value;
}): ReactNode {
  return (
    <label>
      <span>{label}</span>
      <select name={name} defaultValue={value}>
        {Object.entries<string>(options).map(([key, text]) => (
          <option key={key} value={key}>
            {text}
          </option>
        ))}
      </select>
    </label>
  );
}

function changeOf(data: FormData): Change {
  const text = (name: string): string => {
    const value = data.get(name);
    return typeof value === "string" ? value.trim() : "";
  };
  const given = (name: string): string | null => (text(name) === "" ? null : text(name));
  const chosen = data.getAll("weekday").map(Number);
  return {
    captureMode: pick(captureModes, text("captureMode")),
    enforcement: pick(enforcements, text("enforcement")),
    updatePolicy: pick(updatePolicies, text("updatePolicy")),
    updateChannel: pick(channels, text("updateChannel")),
    pinnedVersion: given("pinnedVersion"),
    upstreamProxy: given("upstreamProxy"),
    maintenanceWindow:
      chosen.length === 0 ? null : { weekdays: chosen, from: text("from"), until: text("until") },
  };
}

/** Null leaves what is set. */
function pick<Value extends string>(options: Readonly<Record<Value, string>>, given: string): Value | null {
  return given in options ? (given as Value) : null;
}
