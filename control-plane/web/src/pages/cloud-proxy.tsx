import type { ResultOf } from "gql.tada";
import { useState, type ReactNode } from "react";
import { send, useQuery } from "../api.ts";
import { bytes, count, thisMonth, when, words } from "../format.ts";
import { Dialog } from "../parts/dialog.tsx";
import { Fact } from "../parts/facts.tsx";
import { Badge, CopyButton, MonthInput, Page, Ready } from "../parts/page.tsx";
import { download, Table, type Column } from "../parts/table.tsx";
import { useToast } from "../parts/toast.tsx";
import { useMay } from "../parts/viewer.tsx";
import { meterQuery, payloadQuery, provisionKey, setQuota, statusQuery } from "../operations/cloud-proxy.ts";

type MeterRow = ResultOf<typeof meterQuery>["subjectMeter"][number];

const targets = {
  JAMF_PRO: "Jamf Pro",
  INTUNE: "Intune",
  KANDJI: "Kandji",
  MOSYLE: "Mosyle",
  GOOGLE_WORKSPACE: "Google Workspace",
  JUMPCLOUD: "JumpCloud",
  SHELL: "Shell",
} as const;
type Target = keyof typeof targets;
const stateTexts = {
  NOT_CONFIGURED: "There is no key yet. Provision one, and put a payload into your MDM.",
  PENDING: "A key is there, and no successful request has come yet.",
  ACTIVE: "Devices send their traffic through the proxy.",
} as const;

const columnsFor = (edit: ((row: MeterRow) => void) | null): readonly Column<MeterRow>[] => [
  { title: "Subject", cell: ({ subject }) => subject, text: ({ subject }) => subject },
  { title: "Requests", numeric: true, cell: (row) => count(row.requests), text: (row) => row.requests },
  {
    title: "of them estimated",
    numeric: true,
    cell: (row) => count(row.estimatedRequests),
    text: (row) => row.estimatedRequests,
  },
  { title: "Tunnels", numeric: true, cell: (row) => count(row.tunnels), text: (row) => row.tunnels },
  {
    title: "Failed",
    numeric: true,
    cell: (row) => count(row.failedTunnels),
    text: (row) => row.failedTunnels,
  },
  { title: "Up", numeric: true, cell: (row) => bytes(row.bytesUp), text: (row) => row.bytesUp },
  { title: "Down", numeric: true, cell: (row) => bytes(row.bytesDown), text: (row) => row.bytesDown },
  {
    title: "Quota",
    numeric: true,
    cell: (row) => {
      const text = row.quota === null ? "none" : count(row.quota);
      if (edit === null) return text;
      return (
        <button
          type="button"
          className="link"
          onClick={() => edit(row)}
          aria-label={`Quota of ${row.subject}: ${text}`}
        >
          {text}
        </button>
      );
    },
    text: ({ quota }) => quota ?? "",
  },
  {
    title: "Overage",
    numeric: true,
    cell: (row) => count(row.overageUnits),
    text: (row) => row.overageUnits,
  },
  { title: "Last seen", cell: (row) => when(row.lastSeenAt), text: (row) => row.lastSeenAt },
];

const everyMs = 10_000;

export function CloudProxy(): ReactNode {
  const { loaded, reload } = useQuery(statusQuery, {}, everyMs);
  const [month, setMonth] = useState(thisMonth());
  const meter = useQuery(meterQuery, { period: month }, everyMs);
  const [revealed, setRevealed] = useState<string | null>(null);
  const [asking, setAsking] = useState(false);
  const [editing, setEditing] = useState<MeterRow | null>(null);
  const may = useMay("SETTINGS_INTEGRATIONS_UPDATE");
  const toast = useToast();
  const provisionNow = async (): Promise<void> => {
    setAsking(false);
    try {
      const { provisionOrgKey } = await send(provisionKey, {});
      setRevealed(provisionOrgKey.key);
      await reload();
    } catch (error) {
      toast.failed(error);
    }
  };
  const saveQuota = async (subject: string, quota: string | null): Promise<void> => {
    setEditing(null);
    try {
      await send(setQuota, { subject, quota });
      toast.done(`The quota of ${subject} is ${quota ?? "none"} now.`);
    } catch (error) {
      toast.failed(error);
    }
    await meter.reload();
  };
  return (
    <Page title="Cloud Proxy" lead="The proxy that managed devices send their AI traffic through.">
      <Ready loaded={loaded}>
        {({ cloudProxyStatus: status }) => (
          <>
            <section className="card" aria-label="Status">
              <div className="page-head">
                <div>
                  <Badge kind={status.state}>{words(status.state)}</Badge>
                  <p>{stateTexts[status.state]}</p>
                  {status.stale && (
                    <p className="notice">This is the last known state: the meter cannot be read now.</p>
                  )}
                </div>
                <button
                  type="button"
                  className={status.keyId === null ? "primary" : ""}
                  onClick={() => (status.keyId === null ? void provisionNow() : setAsking(true))}
                >
                  {status.keyId === null ? "Provision key" : "Re-provision key"}
                </button>
              </div>
              <dl className="facts">
                <Fact name="Proxy" value={status.proxyUrl} />
                <Fact name="Key" value={status.keyId === null ? "none" : `fsk_${status.keyId}_…`} />
                <Fact name="Provisioned" value={when(status.keyProvisionedAt)} />
                <Fact name="First seen" value={when(status.firstSeenAt)} />
                <Fact name="Last capture" value={when(status.lastCaptureAt)} />
              </dl>
            </section>
            {revealed !== null && (
              <RevealedKey secret={revealed} proxyUrl={status.proxyUrl} onClose={() => setRevealed(null)} />
            )}
          </>
        )}
      </Ready>
      {asking && (
        <Dialog title="Re-provision the key?" onClose={() => setAsking(false)}>
          <p>
            The key that devices use now stops working within seconds. Devices need the new one from your MDM.
          </p>
          <div className="actions">
            <button type="button" className="primary" onClick={() => void provisionNow()}>
              Revoke it and make a new one
            </button>
            <button type="button" onClick={() => setAsking(false)}>
              Keep it
            </button>
          </div>
        </Dialog>
      )}
      {editing !== null && (
        <QuotaDialog
          row={editing}
          onClose={() => setEditing(null)}
          onSave={(quota) => void saveQuota(editing.subject, quota)}
        />
      )}
      <Payloads />
      <section aria-label="Subject meter">
        <div className="page-head">
          <h2>Subject meter</h2>
          <MonthInput value={month} onChange={setMonth} />
        </div>
        <Ready loaded={meter.loaded}>
          {({ subjectMeter }) => (
            <Table
              caption={`Subject meter ${month}`}
              columns={columnsFor(may ? setEditing : null)}
              rows={subjectMeter}
              rowKey={({ subject }) => subject}
              empty="Nothing was metered in this month."
            />
          )}
        </Ready>
        <p className="muted">
          Requests inside encrypted tunnels are estimated from the turns of the conversation and shown apart.
        </p>
      </section>
    </Page>
  );
}

/** The key lives in this dialog alone: closing it forgets it. */
function RevealedKey({
  secret,
  proxyUrl,
  onClose,
}: {
  readonly secret: string;
  readonly proxyUrl: string;
  readonly onClose: () => void;
}): ReactNode {
  const check = `curl --proxy ${proxyUrl} --proxy-user 'you%40example.com:${secret}' https://api.openai.com/v1/models`;
  return (
    <Dialog title="Your organisation's key" onClose={onClose}>
      <p className="notice">
        It is shown this once. Copy it into your MDM as the secret MDM_FLOWSTATE_KEY now.
      </p>
      <p className="secret">{secret}</p>
      <p>To check the path from any machine (with --proxy-cacert where the certificate is your own):</p>
      <pre tabIndex={0}>{check}</pre>
      <div className="actions">
        <CopyButton text={secret} label="Copy key" />
        <CopyButton text={check} label="Copy check" />
        <button type="button" className="primary" onClick={onClose}>
          I have copied it
        </button>
      </div>
    </Dialog>
  );
}

function Payloads(): ReactNode {
  const [target, setTarget] = useState<Target>("JAMF_PRO");
  const [variant, setVariant] = useState("install");
  const { loaded } = useQuery(payloadQuery, { target, variant });
  return (
    <section className="card" aria-label="MDM payload">
      <div className="page-head">
        <h2>MDM payload</h2>
        <label className="inline">
          <span>Variant</span>
          <select value={variant} onChange={(event) => setVariant(event.target.value)}>
            <option>install</option>
            <option>uninstall</option>
          </select>
        </label>
      </div>
      <div className="actions" role="group" aria-label="MDM">
        {(Object.keys(targets) as Target[]).map((each) => (
          <button key={each} type="button" aria-pressed={each === target} onClick={() => setTarget(each)}>
            {targets[each]}
          </button>
        ))}
      </div>
      <Ready loaded={loaded}>
        {({ mdmPayload: { filename, content, steps, caveats } }) => (
          <>
            <ol>
              {steps.map((step) => (
                <li key={step}>{step}</li>
              ))}
            </ol>
            <div className="actions">
              <code>{filename}</code>
              <CopyButton text={content} />
              <button type="button" onClick={() => download(filename, content)}>
                Download
              </button>
            </div>
            <pre tabIndex={0} aria-label={filename}>
              {content}
            </pre>
            {caveats.map((caveat) => (
              <p key={caveat} className="notice">
                {caveat}
              </p>
            ))}
          </>
        )}
      </Ready>
    </section>
  );
}

function QuotaDialog({
  row: { subject, quota },
  onClose,
  onSave,
}: {
  readonly row: MeterRow;
  readonly onClose: () => void;
  readonly onSave: (quota: string | null) => void;
}): ReactNode {
  return (
    <Dialog title={`Quota of ${subject}`} onClose={onClose}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          const given = new FormData(event.currentTarget).get("quota");
          onSave(typeof given === "string" && given !== "" ? given : null);
        }}
      >
        <label>
          <span>Requests a month (empty for the default)</span>
          <input
            name="quota"
            inputMode="numeric"
            pattern="[0-9]{1,18}"
            defaultValue={quota ?? ""}
            data-first
          />
        </label>
        <button className="primary">Save</button>
      </form>
    </Dialog>
  );
}
