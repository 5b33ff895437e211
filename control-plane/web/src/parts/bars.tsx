import type { ReactNode } from "react";

export interface Bar {
  readonly key: string;
  readonly label: string;
  /** What its length stands for; the amount itself is `text`. */
  readonly length: number;
  readonly text: string;
  readonly hint?: string;
}

/** A bar chart whose figures stand beside the bars; the longest fills the width. */
export function Bars({ bars }: { readonly bars: readonly Bar[] }): ReactNode {
  const most = Math.max(0, ...bars.map(({ length }) => length));
  return (
    <div className="bars">
      {bars.map(({ key, label, length, text, hint }) => (
        <div key={key} className="bar" title={hint}>
          <span>{label}</span>
          <meter
            min={0}
            max={most === 0 ? 1 : most}
            value={length}
            aria-label={hint === undefined ? label : `${label}: ${hint}`}
          />
          <span className="number">{text}</span>
        </div>
      ))}
    </div>
  );
}
