import { useEffect, useRef, useState, type ReactNode } from "react";
import { usd, words } from "../../format.ts";
import { Badge } from "../../parts/page.tsx";
import type { Row } from "../../operations/reconciliation.ts";

const rowHeight = 44;
const beyond = 8;

interface QueueListProps {
  readonly rows: readonly Row[];
  readonly at: number;
  readonly chosen: ReadonlySet<string>;
  readonly onPick: (index: number) => void;
}

/** Only the rows in view are in the page, so that ten thousand scroll like ten. */
export function QueueList({ rows, at, chosen, onPick }: QueueListProps): ReactNode {
  const element = useRef<HTMLDivElement>(null);
  const [top, setTop] = useState(0);
  const [height, setHeight] = useState(600);
  useEffect(() => {
    const list = element.current;
    if (list === null) return;
    setHeight(list.clientHeight);
    const from = at * rowHeight;
    if (from < list.scrollTop) list.scrollTop = from;
    else if (from + rowHeight > list.scrollTop + list.clientHeight) {
      list.scrollTop = from + rowHeight - list.clientHeight;
    }
  }, [at]);
  const first = Math.max(0, Math.floor(top / rowHeight) - beyond);
  const last = Math.min(rows.length, Math.ceil((top + height) / rowHeight) + beyond);
  return (
    <div
      ref={element}
      className="queue-list"
      role="listbox"
      aria-label="Billing rows"
      aria-multiselectable
      tabIndex={0}
      aria-activedescendant={rows[at] === undefined ? undefined : `row-${at}`}
      onScroll={({ currentTarget }) => setTop(currentTarget.scrollTop)}
    >
      <div style={{ height: rows.length * rowHeight }} role="presentation">
        {rows.slice(first, last).map((row, offset) => {
          const index = first + offset;
          return (
            <div
              key={row.id}
              id={`row-${index}`}
              className="queue-row"
              role="option"
              aria-selected={index === at}
              aria-setsize={rows.length}
              aria-posinset={index + 1}
              style={{ top: index * rowHeight }}
              onClick={() => onPick(index)}
            >
              <span aria-label={chosen.has(row.id) ? "chosen" : undefined}>
                {chosen.has(row.id) ? "✓" : ""}
              </span>
              <span>{row.usageDate}</span>
              <span className="what">
                {row.subject ?? "nobody named"} <span className="muted">{row.description}</span>
              </span>
              <Badge kind={row.status}>{words(row.status)}</Badge>
              <span className="number">{usd(row.totalCostUsd)}</span>
            </div>
          );
        })}
      </div>
    </div>
  );
}
