import type { ReactNode } from "react";
import { when, words } from "../../format.ts";
import { Dialog } from "../../parts/dialog.tsx";
import { Fact } from "../../parts/facts.tsx";
import { figuresOf } from "./evidence.ts";
import type { Signal } from "../../operations/alerts.ts";

const resolutions = {
  ACKNOWLEDGED: "Acknowledge",
  ESCALATED: "Escalate",
  FALSE_POSITIVE: "False positive",
} as const;
export type Resolution = keyof typeof resolutions;

/** One signal whole, and what somebody makes of it. */
export function Drawer({
  signal,
  meaning,
  onClose,
  onResolve,
}: {
  readonly signal: Signal;
  /** What its type stands for. */
  readonly meaning: string;
  readonly onClose: () => void;
  /** Null where the viewer may not. */
  readonly onResolve: ((resolution: Resolution, note: string | null) => void) | null;
}): ReactNode {
  return (
    <Dialog title={words(signal.type)} onClose={onClose}>
      <p>{meaning}</p>
      <dl className="facts">
        <Fact name="About" value={signal.subject ?? "the organisation"} />
        <Fact name="Service" value={signal.service ?? "none"} />
        <Fact name="Session" value={signal.sessionId ?? "none"} />
        <Fact name="Happened" value={when(signal.happenedAt)} />
        <Fact name="Detected" value={when(signal.detectedAt)} />
        <Fact name="Category" value={words(signal.category)} />
      </dl>
      <h3>Evidence</h3>
      <dl className="facts">
        {figuresOf(signal.detail).map(({ name, text }) => (
          <Fact key={name} name={name} value={text} />
        ))}
      </dl>
      {signal.resolution !== null && (
        <p className="notice">
          {words(signal.resolution)} by {signal.resolvedBy}, {when(signal.resolvedAt)}
          {signal.note === null ? "" : `: ${signal.note}`}
        </p>
      )}
      {signal.resolution === null && signal.note !== null && <p className="notice">{signal.note}</p>}
      {onResolve !== null && (
        <form
          aria-label="Resolve"
          onSubmit={(event) => {
            event.preventDefault();
            const { submitter } = event.nativeEvent;
            const note = new FormData(event.currentTarget).get("note");
            const chosen = (Object.keys(resolutions) as Resolution[]).find(
              (each) => submitter instanceof HTMLButtonElement && each === submitter.value,
            );
            if (chosen !== undefined)
              onResolve(chosen, typeof note === "string" && note !== "" ? note : null);
          }}
        >
          <label>
            <span>Note</span>
            <input name="note" maxLength={1000} data-first />
          </label>
          <div className="actions">
            {Object.entries(resolutions).map(([key, text]) => (
              <button key={key} value={key}>
                {text}
              </button>
            ))}
          </div>
        </form>
      )}
    </Dialog>
  );
}
