import { useEffect, useRef, useState, type ReactNode } from "react";
import { useLocation } from "wouter";
import { send, useQuery } from "../../api.ts";
import { Ready } from "../../parts/page.tsx";
import { useToast } from "../../parts/toast.tsx";
import { draftPolicy, policyDocumentQuery, policyFaultsQuery } from "../../operations/policy.ts";
import { DryRun } from "./dry-run.tsx";
import { lineOfFault } from "./lines-of-rules.ts";

const example = {
  summary: "What we have agreements for.",
  rules: [
    {
      name: "Approved providers",
      type: "PROVIDER_ALLOWLIST",
      providers: ["anthropic", "openai"],
      action: "OBSERVE",
    },
  ],
};
const pauseMs = 400;

/** A new draft, from a version or from an example. */
export function NewDraft({ from }: { readonly from: number | null }): ReactNode {
  return from === null ? <Editor begun={JSON.stringify(example, null, 2)} /> : <DraftOf version={from} />;
}

function DraftOf({ version }: { readonly version: number }): ReactNode {
  const { current } = useQuery(policyDocumentQuery, { version });
  return (
    <Ready loaded={current}>
      {({ policyVersion }) =>
        policyVersion === null ? (
          <p className="notice">There is no version {version}.</p>
        ) : (
          <Editor begun={policyVersion.document} />
        )
      }
    </Ready>
  );
}

function Editor({ begun }: { readonly begun: string }): ReactNode {
  const [text, setText] = useState(begun);
  const [note, setNote] = useState("");
  const [tried, setTried] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);
  const [, go] = useLocation();
  const toast = useToast();
  const { current } = useQuery(policyFaultsQuery, { document: useSettled(text) });
  const faults = current.state === "ready" ? current.data.policyFaults : [];
  const save = async (): Promise<void> => {
    setBusy(true);
    try {
      const { draftPolicy: made } = await send(draftPolicy, {
        document: text,
        note: note.trim() === "" ? null : note.trim(),
      });
      toast.done(`Version ${made.version} is drafted. It changes nothing until it is activated.`);
      go(`/governance/policy?version=${made.version}`);
    } catch (error) {
      toast.failed(error);
      setBusy(false);
    }
  };
  return (
    <>
      <form
        className="card"
        aria-label="New draft"
        onSubmit={(event) => {
          event.preventDefault();
          void save();
        }}
      >
        <p className="muted">
          A document of rules, in JSON: <a href="/api/v1/policy.schema.json">its schema</a>.
        </p>
        <Document text={text} onText={setText} faults={faults} />
        {current.state === "ready" && faults.length === 0 && <p role="status">It can be drafted.</p>}
        {current.state === "failed" && <Ready loaded={current}>{() => null}</Ready>}
        <label>
          <span>Why (optional)</span>
          <input value={note} maxLength={2000} onChange={({ target }) => setNote(target.value)} />
        </label>
        <div className="actions">
          <button className="primary" disabled={busy || faults.length > 0}>
            Save draft
          </button>
          <button type="button" disabled={faults.length > 0} onClick={() => setTried(text)}>
            Dry run over 30 days
          </button>
        </div>
      </form>
      {tried !== null && <DryRun tried={{ document: tried }} />}
    </>
  );
}

interface DocumentProps {
  readonly text: string;
  readonly onText: (text: string) => void;
  readonly faults: readonly string[];
}

/** The text with its line numbers; a fault leads to its line. */
function Document({ text, onText, faults }: DocumentProps): ReactNode {
  const area = useRef<HTMLTextAreaElement>(null);
  const gutter = useRef<HTMLOListElement>(null);
  const lines = text.split("\n");
  const placed = faults.map((fault) => ({ fault, line: lineOfFault(text, fault) }));
  const bad = new Set(placed.map(({ line }) => line));
  const show = (line: number): void => {
    const start = lines.slice(0, line - 1).join("\n").length + (line === 1 ? 0 : 1);
    area.current?.focus({ preventScroll: true });
    area.current?.setSelectionRange(start, start + (lines[line - 1]?.length ?? 0));
    gutter.current?.children[line - 1]?.scrollIntoView({ block: "center" });
  };
  return (
    <>
      <div className="document">
        <ol ref={gutter} aria-hidden="true">
          {lines.map((_, index) => (
            <li key={index} className={bad.has(index + 1) ? "fault" : undefined}>
              {index + 1}
            </li>
          ))}
        </ol>
        <textarea
          ref={area}
          aria-label="Policy"
          aria-invalid={faults.length > 0}
          aria-describedby="policy-faults"
          wrap="off"
          spellCheck={false}
          autoComplete="off"
          rows={lines.length}
          value={text}
          onChange={({ target }) => onText(target.value)}
        />
      </div>
      <ul id="policy-faults" className="faults" aria-label="Faults" aria-live="polite">
        {placed.map(({ fault, line }) => (
          <li key={fault}>
            {line === null ? (
              fault
            ) : (
              <button type="button" className="link" onClick={() => show(line)}>
                Line {line}: {fault}
              </button>
            )}
          </li>
        ))}
      </ul>
    </>
  );
}

/** A text once nobody has typed for a moment. */
function useSettled(text: string): string {
  const [settled, setSettled] = useState(text);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(text), pauseMs);
    return () => clearTimeout(timer);
  }, [text]);
  return settled;
}
