import { useMemo, useRef, useState, type ReactNode } from "react";
import { send, useQuery } from "../api.ts";
import { percent, thisMonth, usd, words } from "../format.ts";
import { Dialog } from "../parts/dialog.tsx";
import { Fact } from "../parts/facts.tsx";
import { MonthInput, Page, Ready } from "../parts/page.tsx";
import { DownloadCsv } from "../parts/table.tsx";
import { useToast } from "../parts/toast.tsx";
import { Books } from "./reconciliation/books.tsx";
import { Causes, Evidence } from "./reconciliation/evidence.tsx";
import { keyTexts, useKeys } from "./reconciliation/keys.ts";
import {
  actNow,
  actOnMany,
  queueQuery,
  reopenNow,
  type Action,
  type Row,
  type Status,
  type Summary,
} from "../operations/reconciliation.ts";
import { QueueList } from "./reconciliation/queue-list.tsx";

type Open = "write_off" | "keys" | "commands" | null;
const mostAtOnce = 500;
const pastOf: Readonly<Record<Action, string>> = {
  CONFIRM: "confirmed",
  WRITE_OFF: "written off",
  DEFER: "deferred",
};

const statuses: readonly Status[] = [
  "UNRECONCILED",
  "SUGGESTED",
  "AUTO_MATCHED",
  "CONFIRMED",
  "WRITTEN_OFF",
  "DEFERRED",
];

/** The bill like a bank statement: a work queue that the keyboard alone can empty. */
export function Reconciliation(): ReactNode {
  const [month, setMonth] = useState(thisMonth());
  const [shown, setShown] = useState<readonly Status[]>(["UNRECONCILED"]);
  const { loaded, reload } = useQuery(queueQuery, {
    period: month,
    status: shown.length === 0 ? null : [...shown],
  });
  const toggle = (status: Status): void =>
    setShown((all) => (all.includes(status) ? all.filter((each) => each !== status) : [...all, status]));
  return (
    <Page
      title="Reconciliation"
      lead="What providers bill, against what was observed."
      tools={<MonthInput value={month} onChange={setMonth} />}
    >
      <Ready loaded={loaded}>
        {({ aiSpendReconciliation, aiSpendReconciliationSummary: summary, accountingPeriods }) => (
          <>
            <div className="actions" role="group" aria-label="Status">
              {statuses.map((status) => (
                <button
                  key={status}
                  type="button"
                  aria-pressed={shown.includes(status)}
                  onClick={() => toggle(status)}
                >
                  {words(status)} ({summary.counts.find((each) => each.status === status)?.rows ?? 0})
                </button>
              ))}
            </div>
            <Queue key={month} all={aiSpendReconciliation} summary={summary} month={month} reload={reload} />
            <Books
              month={month}
              period={accountingPeriods.find(({ period }) => period === month) ?? null}
              reload={reload}
            />
          </>
        )}
      </Ready>
    </Page>
  );
}

interface QueueProps {
  readonly all: readonly Row[];
  readonly summary: Summary;
  readonly month: string;
  readonly reload: () => Promise<void>;
}

function Queue({ all, summary, month, reload }: QueueProps): ReactNode {
  const [at, setAt] = useState(0);
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  const [search, setSearch] = useState("");
  const [open, setOpen] = useState<Open>(null);
  const [keysOn, setKeysOn] = useState(true);
  const done = useRef<string[]>([]);
  const searchField = useRef<HTMLInputElement>(null);
  const toast = useToast();
  const rows = useMemo(() => filterRows(all, search), [all, search]);
  const index = Math.min(at, Math.max(0, rows.length - 1));
  const row = rows[index] ?? null;

  const act = async (action: Action, note: string | null = null): Promise<void> => {
    const many = rows.filter(({ id }) => chosen.has(id));
    try {
      if (many.length > 0) {
        const ids = many.filter(({ actions }) => actions.includes(action)).map(({ id }) => id);
        const failed: string[] = [];
        for (let from = 0; from < ids.length; from += mostAtOnce) {
          const { actOnReconciliationRows } = await send(actOnMany, {
            ids: ids.slice(from, from + mostAtOnce),
            action,
            note,
          });
          for (const { id, error } of actOnReconciliationRows) {
            if (error === null) done.current.push(id);
            else failed.push(error);
          }
        }
        setChosen(new Set());
        toast.done(`${ids.length - failed.length} rows ${pastOf[action]}.`);
        if (failed[0] !== undefined) toast.failed(`${failed.length} rows stayed: ${failed[0]}`);
      } else if (row !== null) {
        if (!row.actions.includes(action))
          throw new Error(`A row that is ${words(row.status)} cannot be ${pastOf[action]}.`);
        const idempotencyKey = crypto.randomUUID();
        await send(actNow, { id: row.id, action, note, expectedStatus: row.status, idempotencyKey });
        done.current.push(row.id);
        toast.done(`${usd(row.totalCostUsd)} ${pastOf[action]}. u undoes it.`);
      }
    } catch (error) {
      toast.failed(error);
    }
    await reload();
  };
  const undo = async (): Promise<void> => {
    const id = done.current.pop();
    if (id === undefined) return toast.done("There is nothing to undo.");
    try {
      await send(reopenNow, { id });
      toast.done("Undone: the row is unreconciled again.");
    } catch (error) {
      toast.failed(error);
    }
    await reload();
    return undefined;
  };
  const choose = (): void => {
    if (row === null) return;
    setChosen((ids) =>
      ids.has(row.id) ? new Set([...ids].filter((id) => id !== row.id)) : new Set([...ids, row.id]),
    );
  };
  const chooseMatched = (): void =>
    setChosen(new Set(rows.filter(({ status }) => status === "AUTO_MATCHED").map(({ id }) => id)));

  useKeys(
    {
      j: () => setAt(Math.min(index + 1, rows.length - 1)),
      k: () => setAt(Math.max(index - 1, 0)),
      ArrowDown: () => setAt(Math.min(index + 1, rows.length - 1)),
      ArrowUp: () => setAt(Math.max(index - 1, 0)),
      x: choose,
      c: () => void act("CONFIRM"),
      w: () => setOpen("write_off"),
      d: () => void act("DEFER"),
      u: () => void undo(),
      "mod+z": () => void undo(),
      "/": () => searchField.current?.focus(),
      "mod+k": () => setOpen("commands"),
      "?": () => setOpen("keys"),
    },
    keysOn,
  );
  const commands: readonly (readonly [title: string, run: () => void])[] = [
    ["Confirm", () => void act("CONFIRM")],
    ["Write off …", () => setOpen("write_off")],
    ["Defer to next month", () => void act("DEFER")],
    ["Undo", () => void undo()],
    ["Choose every automatic match shown", chooseMatched],
    ["Choose nothing", () => setChosen(new Set())],
    [keysOn ? "Switch single keys off" : "Switch single keys on", () => setKeysOn(!keysOn)],
    ["Show keys", () => setOpen("keys")],
  ];

  return (
    <>
      <div className="actions" style={{ margin: "0.75rem 0" }}>
        <label className="inline">
          <span className="hidden">Search</span>
          <input
            ref={searchField}
            type="search"
            placeholder="Search"
            value={search}
            onChange={({ target }) => setSearch(target.value)}
            onKeyDown={({ key, currentTarget }) => {
              if (key === "Escape" || key === "Enter") currentTarget.blur();
            }}
          />
        </label>
        <button type="button" onClick={() => void act("CONFIRM")} disabled={row === null}>
          Confirm <kbd>c</kbd>
        </button>
        <button type="button" onClick={() => setOpen("write_off")} disabled={row === null}>
          Write off <kbd>w</kbd>
        </button>
        <button type="button" onClick={() => void act("DEFER")} disabled={row === null}>
          Defer <kbd>d</kbd>
        </button>
        <button type="button" className="quiet" onClick={() => setOpen("commands")}>
          Commands
        </button>
        <DownloadCsv name={`Reconciliation ${month}`} columns={csvColumns} rows={rows} />
        <span className="muted" role="status">
          {rows.length} rows{chosen.size > 0 ? `, ${chosen.size} chosen` : ""}
        </span>
      </div>
      {rows.length === 0 ? (
        <div className="empty">
          <p className="tick" aria-hidden="true">
            ✓
          </p>
          <p>Nothing is left here for {month}.</p>
          <p>Either the queue is cleared, or the billing pull has not run yet: see Usage Providers.</p>
        </div>
      ) : (
        <div className="queue">
          <QueueList rows={rows} at={index} chosen={chosen} onPick={setAt} />
          <Evidence row={row} />
        </div>
      )}
      <dl className="summary" aria-label={`Summary of ${month}`}>
        <Fact name="Billed" value={usd(summary.billedUsd)} />
        <Fact name="Observed" value={usd(summary.observedUsd)} />
        <Fact name="Written off" value={usd(summary.writtenOffUsd)} />
        <Fact name={`Residual (${percent(summary.residualShare)})`} value={usd(summary.residualUsd)} />
      </dl>
      <Causes causes={summary.causes} />
      {open === "write_off" && (
        <WriteOff
          rows={chosen.size > 0 ? chosen.size : 1}
          onClose={() => setOpen(null)}
          onNote={(note) => {
            setOpen(null);
            void act("WRITE_OFF", note);
          }}
        />
      )}
      {open === "keys" && (
        <Dialog title="Keys" onClose={() => setOpen(null)}>
          <dl className="facts">
            {keyTexts.map(([key, text]) => (
              <div key={key}>
                <dt>
                  <kbd>{key}</kbd>
                </dt>
                <dd>{text}</dd>
              </div>
            ))}
          </dl>
        </Dialog>
      )}
      {open === "commands" && (
        <Dialog title="Commands" onClose={() => setOpen(null)}>
          {commands.map(([title, run]) => (
            <p key={title}>
              <button
                type="button"
                className="quiet"
                onClick={() => {
                  setOpen(null);
                  run();
                }}
              >
                {title}
              </button>
            </p>
          ))}
        </Dialog>
      )}
    </>
  );
}

function WriteOff({
  rows,
  onClose,
  onNote,
}: {
  readonly rows: number;
  readonly onClose: () => void;
  readonly onNote: (note: string) => void;
}): ReactNode {
  return (
    <Dialog title={rows === 1 ? "Write off this row" : `Write off ${rows} rows`} onClose={onClose}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          const note = new FormData(event.currentTarget).get("note");
          if (typeof note === "string") onNote(note);
        }}
      >
        <label>
          <span>Note (required)</span>
          <textarea name="note" required data-first rows={3} maxLength={2000} />
          <small>It stays with the row and in the audit log.</small>
        </label>
        <button className="primary">Write off</button>
      </form>
    </Dialog>
  );
}

const csvColumns = [
  { title: "Date", cell: () => null, text: ({ usageDate }: Row) => usageDate },
  { title: "Provider", cell: () => null, text: ({ provider }: Row) => provider },
  { title: "Service", cell: () => null, text: ({ service }: Row) => service },
  { title: "Person", cell: () => null, text: ({ subject }: Row) => subject ?? "" },
  { title: "Description", cell: () => null, text: ({ description }: Row) => description },
  { title: "USD", cell: () => null, text: ({ totalCostUsd }: Row) => totalCostUsd },
  { title: "Status", cell: () => null, text: ({ status }: Row) => status },
  { title: "Note", cell: () => null, text: ({ note }: Row) => note ?? "" },
];

function filterRows(rows: readonly Row[], search: string): readonly Row[] {
  const wanted = search.trim().toLowerCase();
  if (wanted === "") return rows;
  return rows.filter(({ subject, description, service, usageDate, totalCostUsd }) =>
    [subject ?? "", description, service, usageDate, totalCostUsd].join(" ").toLowerCase().includes(wanted),
  );
}
