import { useEffect, type ReactNode } from "react";
import type { Loaded } from "../api.ts";

interface PageProps {
  readonly title: string;
  readonly lead: string;
  readonly tools?: ReactNode;
  readonly children: ReactNode;
}

export function Page({ title, lead, tools, children }: PageProps): ReactNode {
  useEffect(() => {
    document.title = `${title} · Flowstate`;
  }, [title]);
  return (
    <>
      <header className="page-head">
        <div>
          <h1>{title}</h1>
          <p className="muted">{lead}</p>
        </div>
        <div className="tools">{tools}</div>
      </header>
      {children}
    </>
  );
}

interface ReadyProps<Answer> {
  readonly loaded: Loaded<Answer>;
  readonly children: (data: Answer) => ReactNode;
}

/** Shows what was loaded, or that it is loading, or what the server said instead. */
export function Ready<Answer>({ loaded, children }: ReadyProps<Answer>): ReactNode {
  switch (loaded.state) {
    case "loading":
      return (
        <p className="muted" role="status">
          Loading …
        </p>
      );
    case "failed":
      return (
        <p className="notice failed" role="alert">
          {loaded.error.message}
        </p>
      );
    case "ready":
      return children(loaded.data);
  }
}

export function Badge({
  kind,
  children,
}: {
  readonly kind: string;
  readonly children: ReactNode;
}): ReactNode {
  return <span className={`badge ${kind.toLowerCase()}`}>{children}</span>;
}

export function MonthInput({
  value,
  onChange,
}: {
  readonly value: string;
  readonly onChange: (month: string) => void;
}): ReactNode {
  return (
    <label className="inline">
      <span>Month</span>
      <input
        type="month"
        value={value}
        max={new Date().toISOString().slice(0, 7)}
        onChange={({ target }) => {
          if (/^\d{4}-\d{2}$/.test(target.value)) onChange(target.value);
        }}
      />
    </label>
  );
}

export function CopyButton({
  text,
  label = "Copy",
}: {
  readonly text: string;
  readonly label?: string;
}): ReactNode {
  return (
    <button type="button" onClick={() => void navigator.clipboard.writeText(text)}>
      {label}
    </button>
  );
}
