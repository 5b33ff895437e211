import type { ReactNode } from "react";
import { useRest } from "../../rest.ts";
import { words } from "../../format.ts";
import { stepUp, type Step, type Way } from "./way.ts";

interface BreadcrumbProps {
  readonly way: Way;
  readonly go: (way: Way) => void;
}

/** The way from the organisation down to here; each part of it leads back. */
export function Breadcrumb({ way, go }: BreadcrumbProps): ReactNode {
  return (
    <nav aria-label="Breadcrumb" className="breadcrumb">
      <ol>
        <li>
          <Crumb here={way.steps.length === 0} onClick={() => go(stepUp(way, 0))}>
            Organisation
          </Crumb>
        </li>
        {way.steps.map((step, index) => (
          <li key={step.dimension}>
            <Crumb here={index === way.steps.length - 1} onClick={() => go(stepUp(way, index + 1))}>
              {words(step.dimension)} <StepName step={step} />
            </Crumb>
          </li>
        ))}
      </ol>
    </nav>
  );
}

interface CrumbProps {
  readonly here: boolean;
  readonly onClick: () => void;
  readonly children: ReactNode;
}

function Crumb({ here, onClick, children }: CrumbProps): ReactNode {
  if (here) return <span aria-current="location">{children}</span>;
  return (
    <button type="button" className="link" onClick={onClick}>
      {children}
    </button>
  );
}

const folders: Readonly<Partial<Record<Step["dimension"], string>>> = { TEAM: "teams", PROJECT: "projects" };

/** Teams and projects have a name in the directory; of the others the key is the name. */
function StepName({ step: { dimension, key } }: { readonly step: Step }): ReactNode {
  const folder = key === "unassigned" ? undefined : folders[dimension];
  const { current } = useRest<{ readonly name: string }>(
    folder === undefined ? null : `/api/v1/${folder}/${encodeURIComponent(key)}`,
  );
  if (key === "unassigned") return <strong>none</strong>;
  return <strong>{current.state === "ready" ? current.data.name : key}</strong>;
}
