import type { ReactNode } from "react";
import { useSearchParams } from "wouter";
import { send, useQuery } from "../api.ts";
import { when, words } from "../format.ts";
import { Badge, Page, Ready } from "../parts/page.tsx";
import { Table, type Column } from "../parts/table.tsx";
import { useToast } from "../parts/toast.tsx";
import { useMay } from "../parts/viewer.tsx";
import { resolveSignal, signalsQuery, type Signal } from "../operations/alerts.ts";
import { Destinations } from "./alerts/destinations.tsx";
import { Drawer, type Resolution } from "./alerts/drawer.tsx";

const categories = ["BUDGET", "OPERATIONAL", "CONTENT_SAFETY", "BRAND_USAGE"] as const;
const severities = ["BLOCK", "WARN", "INFO"] as const;
const everyMs = 30_000;

/** What somebody should look at. The filters and the open signal stand in the address, so that a link leads there. */
export function Alerts(): ReactNode {
  const [address, setAddress] = useSearchParams();
  const category = categories.find((each) => each === address.get("category")) ?? null;
  const severity = severities.find((each) => each === address.get("severity")) ?? null;
  const subject = address.get("subject");
  const openOnly = address.get("all") === null;
  const shown = address.get("signal");
  const set = (name: string, value: string | null): void =>
    setAddress((before) => {
      const next = new URLSearchParams(before);
      if (value === null) next.delete(name);
      else next.set(name, value);
      return next;
    });
  const filter = {
    openOnly,
    ...(category === null ? {} : { categories: [category] }),
    ...(severity === null ? {} : { severities: [severity] }),
    ...(subject === null ? {} : { subject }),
  };
  const { loaded, reload } = useQuery(signalsQuery, { filter }, everyMs);
  const may = useMay("AI_POLICY_ADMIN");
  const mayLook = useMay("SETTINGS_INTEGRATIONS_VIEW");
  const toast = useToast();
  const resolve = async (id: string, resolution: Resolution, note: string | null): Promise<void> => {
    try {
      await send(resolveSignal, { id, resolution, note });
      toast.done(`It is ${words(resolution)} now.`);
      set("signal", null);
    } catch (error) {
      toast.failed(error);
    }
    await reload();
  };
  return (
    <Page
      title="Alerts"
      lead="What somebody should look at: budgets, operations, content and how the brand is used."
    >
      <div className="actions spaced">
        <Filter
          label="Category"
          values={categories}
          value={category}
          onChange={(value) => set("category", value)}
        />
        <Filter
          label="Severity"
          values={severities}
          value={severity}
          onChange={(value) => set("severity", value)}
        />
        <label className="inline">
          <span>About</span>
          <input
            type="search"
            value={subject ?? ""}
            placeholder="e-mail or service account"
            onChange={({ target }) => set("subject", target.value === "" ? null : target.value)}
          />
        </label>
        <label className="inline">
          <input
            type="checkbox"
            checked={!openOnly}
            onChange={({ target }) => set("all", target.checked ? "1" : null)}
          />
          <span>Show resolved</span>
        </label>
      </div>
      <Ready loaded={loaded}>
        {({ behaviouralSignals: signals, behaviouralSignalTypes }) => {
          const meanings = new Map(behaviouralSignalTypes.map(({ type, meaning }) => [type, meaning]));
          const open = signals.find(({ id }) => id === shown) ?? null;
          return (
            <>
              <Table
                caption="Signals"
                columns={columnsFor(meanings, (id) => set("signal", id))}
                rows={signals}
                rowKey={({ id }) => id}
                empty="Nothing to look at."
              />
              {open !== null && (
                <Drawer
                  signal={open}
                  meaning={meanings.get(open.type) ?? ""}
                  onClose={() => set("signal", null)}
                  onResolve={may ? (resolution, note) => void resolve(open.id, resolution, note) : null}
                />
              )}
            </>
          );
        }}
      </Ready>
      {mayLook && <Destinations />}
    </Page>
  );
}

function Filter<Value extends string>({
  label,
  values,
  value,
  onChange,
}: {
  readonly label: string;
  readonly values: readonly Value[];
  readonly value: Value | null;
  readonly onChange: (value: Value | null) => void;
}): ReactNode {
  return (
    <label className="inline">
      <span>{label}</span>
      <select
        value={value ?? ""}
        onChange={({ target }) => onChange(values.find((each) => each === target.value) ?? null)}
      >
        <option value="">any</option>
        {values.map((each) => (
          <option key={each} value={each}>
            {words(each)}
          </option>
        ))}
      </select>
    </label>
  );
}

function columnsFor(
  meanings: ReadonlyMap<string, string>,
  show: (id: string) => void,
): readonly Column<Signal>[] {
  return [
    {
      title: "Signal",
      cell: ({ id, type }) => (
        <>
          <button type="button" className="link" onClick={() => show(id)}>
            {words(type)}
          </button>
          <p className="muted small">{meanings.get(type)}</p>
        </>
      ),
      text: ({ type, detail }) => `${type}: ${detail}`,
    },
    {
      title: "Severity",
      cell: ({ severity }) => <Badge kind={`severity-${severity}`}>{words(severity)}</Badge>,
      text: ({ severity }) => severity,
    },
    { title: "Category", cell: ({ category }) => words(category), text: ({ category }) => category },
    { title: "About", cell: ({ subject }) => subject ?? "", text: ({ subject }) => subject ?? "" },
    { title: "Happened", cell: ({ happenedAt }) => when(happenedAt), text: ({ happenedAt }) => happenedAt },
    {
      title: "State",
      cell: ({ resolution }) => (resolution === null ? "open" : words(resolution)),
      text: ({ resolution }) => resolution ?? "open",
    },
  ];
}
