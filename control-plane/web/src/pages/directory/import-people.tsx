import { useState, type ReactNode } from "react";
import { Dialog } from "../../parts/dialog.tsx";
import { rest, RestError } from "../../rest.ts";

interface Outcome {
  readonly people: number;
  readonly created: number;
  readonly changed: number;
  readonly teamsCreated: number;
  readonly faults: readonly { readonly line: number; readonly detail: string }[];
}

/** People from a CSV file: tried first, and then stored whole or not at all. */
export function ImportPeople({
  onClose,
  onDone,
}: {
  readonly onClose: () => void;
  readonly onDone: (said: string) => void;
}): ReactNode {
  const [csv, setCsv] = useState<string | null>(null);
  const [outcome, setOutcome] = useState<Outcome | null>(null);
  const [error, setError] = useState<string | null>(null);
  const ask = async (text: string, preview: boolean): Promise<void> => {
    setError(null);
    try {
      const answer = (await rest(`/api/v1/directory/import?preview=${String(preview)}`, {
        method: "POST",
        csv: text,
      })) as Outcome;
      if (preview) setOutcome(answer);
      else onDone(`${answer.created} people were added and ${answer.changed} changed.`);
    } catch (failure) {
      if (failure instanceof RestError && failure.status === 422) setOutcome(failure.answer as Outcome);
      else setError((failure as Error).message);
    }
  };
  return (
    <Dialog title="Import people" onClose={onClose}>
      <p className="muted">
        A CSV file with the column email, and any of name, title, team (as in Engineering / Web), manager and
        active.
      </p>
      <label>
        <span>File</span>
        <input
          type="file"
          accept=".csv,text/csv"
          data-first
          onChange={({ target }) => {
            const [file] = target.files ?? [];
            if (file === undefined) return;
            void file.text().then((text) => {
              setCsv(text);
              return ask(text, true);
            });
          }}
        />
      </label>
      {error !== null && (
        <p className="notice failed" role="alert">
          {error}
        </p>
      )}
      {outcome !== null && <Preview outcome={outcome} />}
      <button
        type="button"
        className="primary"
        disabled={csv === null || outcome === null || outcome.faults.length > 0}
        onClick={() => void (csv === null ? undefined : ask(csv, false))}
      >
        Import
      </button>
    </Dialog>
  );
}

function Preview({ outcome }: { readonly outcome: Outcome }): ReactNode {
  const { people, created, changed, teamsCreated, faults } = outcome;
  if (faults.length === 0) {
    return (
      <p role="status">
        {people} people: {created} new, {changed} changed, {teamsCreated} new teams.
      </p>
    );
  }
  return (
    <div className="notice failed" role="alert">
      <p>Nothing can be imported while lines are bad:</p>
      <ul>
        {faults.slice(0, 20).map(({ line, detail }) => (
          <li key={`${line} ${detail}`}>
            line {line}: {detail}
          </li>
        ))}
      </ul>
    </div>
  );
}
