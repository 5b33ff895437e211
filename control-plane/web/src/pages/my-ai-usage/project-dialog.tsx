import { useEffect, useState, type ReactNode } from "react";
import { useQuery } from "../../api.ts";
import { Dialog } from "../../parts/dialog.tsx";
import { Ready } from "../../parts/page.tsx";
import { myProjectsQuery } from "../../operations/my-ai.ts";

/** So long after the last letter the server is asked. */
const restMs = 300;

/** Finds a project by a part of its name. */
export function ProjectDialog({
  sessions,
  onChoose,
  onClose,
}: {
  /** How many will be marked. */
  readonly sessions: number;
  readonly onChoose: (project: { readonly id: string; readonly name: string }) => void;
  readonly onClose: () => void;
}): ReactNode {
  const [typed, setTyped] = useState("");
  const [search, setSearch] = useState("");
  useEffect(() => {
    const timer = setTimeout(() => setSearch(typed), restMs);
    return () => clearTimeout(timer);
  }, [typed]);
  const { loaded } = useQuery(myProjectsQuery, { search });
  return (
    <Dialog title={`Mark ${sessions} ${sessions === 1 ? "session" : "sessions"}`} onClose={onClose}>
      <p>Their calls carry the project from now on; attribution, forecast and ledger follow.</p>
      <label>
        <span>Project</span>
        <input
          type="search"
          value={typed}
          onChange={({ target }) => setTyped(target.value)}
          placeholder="part of its name"
          data-first
        />
      </label>
      <Ready loaded={loaded}>
        {({ myAiProjects }) =>
          myAiProjects.length === 0 ? (
            <p className="muted">No project with a marker is named so.</p>
          ) : (
            <ul className="choices" aria-label="Projects">
              {myAiProjects.map((project) => (
                <li key={project.id}>
                  <button type="button" onClick={() => onChoose(project)}>
                    {project.name}
                  </button>
                </li>
              ))}
            </ul>
          )
        }
      </Ready>
    </Dialog>
  );
}
