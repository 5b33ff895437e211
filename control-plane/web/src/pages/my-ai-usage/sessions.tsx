import { useState, type ReactNode } from "react";
import { send } from "../../api.ts";
import { usd, when } from "../../format.ts";
import { Dialog } from "../../parts/dialog.tsx";
import { Table, type Column } from "../../parts/table.tsx";
import { markSessions, noteSession, type MySession } from "../../operations/my-ai.ts";
import { ProjectDialog } from "./project-dialog.tsx";

/** One's own sessions: chosen and marked as a project's, and with a note for oneself. */
export function Sessions({
  sessions,
  offProject,
  onOffProject,
  run,
}: {
  readonly sessions: readonly MySession[];
  /** Whether those alone are listed that belong to no project. */
  readonly offProject: boolean;
  readonly onOffProject: (only: boolean) => void;
  readonly run: (action: () => Promise<string>) => Promise<boolean>;
}): ReactNode {
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  const [marking, setMarking] = useState(false);
  const [noting, setNoting] = useState<MySession | null>(null);
  const ids = sessions.map(({ session }) => session.id).filter((id) => chosen.has(id));
  const choose = (which: readonly string[], on: boolean): void =>
    setChosen((before) => {
      const next = new Set(before);
      for (const id of which)
        if (on) next.add(id);
        else next.delete(id);
      return next;
    });
  const mark = async (project: { readonly id: string; readonly name: string } | null): Promise<void> => {
    setMarking(false);
    const done = await run(async () => {
      await send(markSessions, { ids, project: project?.id ?? null });
      const what = ids.length === 1 ? "One session" : `${ids.length} sessions`;
      return project === null ? `${what}: the mark is taken back.` : `${what}: marked as ${project.name}.`;
    });
    if (done) setChosen(new Set());
  };
  const all = sessions.length > 0 && ids.length === sessions.length;
  return (
    <section aria-label="My sessions" id="my-sessions">
      <div className="actions spaced">
        <label className="inline">
          <input
            type="checkbox"
            checked={offProject}
            onChange={({ target }) => onOffProject(target.checked)}
          />
          <span>Only those that belong to no project</span>
        </label>
        <div className="actions" role="group" aria-label="Marking">
          <button
            type="button"
            disabled={sessions.length === 0}
            onClick={() =>
              choose(
                sessions.map(({ session }) => session.id),
                !all,
              )
            }
          >
            {all ? "Choose none" : "Choose all"}
          </button>
          <button
            type="button"
            className="primary"
            disabled={ids.length === 0}
            onClick={() => setMarking(true)}
          >
            Mark {ids.length === 0 ? "" : `${ids.length} `}as a project …
          </button>
          <button type="button" disabled={ids.length === 0} onClick={() => void mark(null)}>
            Take the mark back
          </button>
        </div>
      </div>
      <Table
        caption="My sessions"
        columns={[chooser(chosen, choose), ...columns, noter(setNoting)]}
        rows={sessions}
        rowKey={({ session }) => session.id}
        empty={
          offProject
            ? "Every session of this month belongs to a project."
            : "No session of yours began in this month."
        }
      />
      {marking && (
        <ProjectDialog
          sessions={ids.length}
          onChoose={(project) => void mark(project)}
          onClose={() => setMarking(false)}
        />
      )}
      {noting !== null && (
        <NoteDialog
          session={noting}
          onClose={() => setNoting(null)}
          onKeep={(note) => {
            const { id } = noting.session;
            setNoting(null);
            void run(async () => {
              await send(noteSession, { id, note });
              return note === null ? "The note is removed." : "The note is kept.";
            });
          }}
        />
      )}
    </section>
  );
}

function NoteDialog({
  session: { session, note },
  onClose,
  onKeep,
}: {
  readonly session: MySession;
  readonly onClose: () => void;
  readonly onKeep: (note: string | null) => void;
}): ReactNode {
  return (
    <Dialog title={`Note on the session of ${when(session.startedAt)}`} onClose={onClose}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          const text = new FormData(event.currentTarget).get("note");
          onKeep(typeof text === "string" && text.trim() !== "" ? text : null);
        }}
      >
        <label>
          <span>Note, which nobody else sees</span>
          <textarea name="note" maxLength={1000} rows={4} defaultValue={note ?? ""} data-first />
        </label>
        <button className="primary">Keep</button>
      </form>
    </Dialog>
  );
}

function chooser(
  chosen: ReadonlySet<string>,
  choose: (ids: readonly string[], on: boolean) => void,
): Column<MySession> {
  return {
    title: "Choose",
    cell: ({ session }) => (
      <input
        type="checkbox"
        aria-label={`Choose ${session.service}, ${when(session.startedAt)}`}
        checked={chosen.has(session.id)}
        onChange={({ target }) => choose([session.id], target.checked)}
      />
    ),
    text: () => "",
  };
}

function noter(onNote: (session: MySession) => void): Column<MySession> {
  return {
    title: "Note",
    cell: (row) => (
      <button
        type="button"
        className="link"
        aria-label={`Note on ${row.session.service}, ${when(row.session.startedAt)}`}
        onClick={() => onNote(row)}
      >
        {row.note ?? "add"}
      </button>
    ),
    text: ({ note }) => note ?? "",
  };
}

const columns: readonly Column<MySession>[] = [
  {
    title: "Began",
    cell: ({ session }) => when(session.startedAt),
    text: ({ session }) => session.startedAt,
  },
  { title: "Service", cell: ({ session }) => session.service, text: ({ session }) => session.service },
  {
    title: "Project",
    cell: ({ session, isMarked }) => (
      <>
        {session.project ?? "none"}
        {isMarked && <p className="muted small">marked by you</p>}
      </>
    ),
    text: ({ session }) => session.project ?? "",
  },
  {
    title: "Calls",
    numeric: true,
    cell: ({ session }) => session.calls,
    text: ({ session }) => String(session.calls),
  },
  {
    title: "At list price",
    numeric: true,
    cell: ({ session }) => usd(session.costUsd),
    text: ({ session }) => session.costUsd,
  },
];
