import { useState, type ReactNode } from "react";
import { send } from "../../api.ts";
import { Dialog } from "../../parts/dialog.tsx";
import { useToast } from "../../parts/toast.tsx";
import { closeMonth, reopenMonth, type AccountingPeriod } from "../../operations/reconciliation.ts";

const files: readonly (readonly [title: string, path: string, query: string])[] = [
  ["FOCUS 1.2", "focus", ""],
  ["Queue", "csv", ""],
  ["Journals", "journal", ""],
  ["hledger", "journal", "&format=hledger"],
  ["Beancount", "journal", "&format=beancount"],
];

interface BooksProps {
  readonly month: string;
  readonly period: AccountingPeriod | null;
  readonly reload: () => Promise<void>;
}

/** The month in the books: closing it, reopening it, and what leaves as a file. */
export function Books({ month, period, reload }: BooksProps): ReactNode {
  const [reopening, setReopening] = useState(false);
  const toast = useToast();
  const change = async (run: () => Promise<unknown>, done: string): Promise<void> => {
    try {
      await run();
      toast.done(done);
    } catch (error) {
      toast.failed(error);
    }
    await reload();
  };
  const closed = period?.closed === true;
  return (
    <section className="card" aria-label="Books">
      <h2>Books</h2>
      <p>
        {closed
          ? `${month} is closed, by ${period.changedBy}. What providers still correct counts in the current month.`
          : `${month} is open. It can be closed when it is over and every row is confirmed, written off or deferred.`}
      </p>
      <div className="actions">
        {closed ? (
          <button type="button" onClick={() => setReopening(true)}>
            Reopen {month}
          </button>
        ) : (
          <button
            type="button"
            onClick={() => void change(() => send(closeMonth, { period: month }), `${month} is closed.`)}
          >
            Close {month}
          </button>
        )}
        {files.map(([title, path, query]) => (
          <a key={title} className="button" href={`/api/v1/exports/${path}?period=${month}${query}`} download>
            {title}
          </a>
        ))}
      </div>
      {reopening && (
        <Dialog title={`Reopen ${month}`} onClose={() => setReopening(false)}>
          <form
            onSubmit={(event) => {
              event.preventDefault();
              const reason = new FormData(event.currentTarget).get("reason");
              setReopening(false);
              if (typeof reason !== "string") return;
              void change(() => send(reopenMonth, { period: month, reason }), `${month} is open again.`);
            }}
          >
            <label>
              <span>Reason (required)</span>
              <textarea name="reason" required data-first rows={3} maxLength={2000} />
              <small>It stays in the audit log.</small>
            </label>
            <button className="primary">Reopen</button>
          </form>
        </Dialog>
      )}
    </section>
  );
}
