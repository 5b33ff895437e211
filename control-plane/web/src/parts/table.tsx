import type { ReactNode } from "react";

export interface Column<Row> {
  readonly title: string;
  /** What a cell shows. */
  readonly cell: (row: Row) => ReactNode;
  /** The same as plain text, for the download. */
  readonly text: (row: Row) => string;
  readonly numeric?: boolean;
}

interface TableProps<Row> {
  readonly caption: string;
  readonly columns: readonly Column<Row>[];
  readonly rows: readonly Row[];
  readonly rowKey: (row: Row) => string;
  readonly empty: ReactNode;
}

/** A table with its download. */
export function Table<Row>({ caption, columns, rows, rowKey, empty }: TableProps<Row>): ReactNode {
  if (rows.length === 0) return <div className="empty">{empty}</div>;
  return (
    <div className="table-frame">
      <div className="table-tools">
        <span className="muted">
          {rows.length} {rows.length === 1 ? "row" : "rows"}
        </span>
        <DownloadCsv name={caption} columns={columns} rows={rows} />
      </div>
      {/* A wide table scrolls, by keyboard too. */}
      <div className="scroll" tabIndex={0} role="region" aria-label={caption}>
        <table>
          <caption className="hidden">{caption}</caption>
          <thead>
            <tr>
              {columns.map(({ title, numeric }) => (
                <th key={title} scope="col" className={numeric === true ? "number" : undefined}>
                  {title}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {rows.map((row) => (
              <tr key={rowKey(row)}>
                {columns.map(({ title, cell, numeric }) => (
                  <td key={title} className={numeric === true ? "number" : undefined}>
                    {cell(row)}
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </div>
  );
}

interface DownloadProps<Row> {
  readonly name: string;
  readonly columns: readonly Column<Row>[];
  readonly rows: readonly Row[];
}

export function DownloadCsv<Row>({ name, columns, rows }: DownloadProps<Row>): ReactNode {
  return (
    <button
      type="button"
      className="quiet"
      onClick={() =>
        download(
          `${name.toLowerCase().replaceAll(/[^a-z0-9]+/g, "-")}.csv`,
          toCsv([
            columns.map(({ title }) => title),
            ...rows.map((row) => columns.map(({ text }) => text(row))),
          ]),
        )
      }
    >
      Download CSV
    </button>
  );
}

/** RFC 4180; a cell that a spreadsheet would run as a formula is made text. */
function toCsv(lines: readonly (readonly string[])[]): string {
  const cell = (text: string): string => {
    const safe = /^[=+\-@\t\r]/.test(text) && !/^-?\d+(?:\.\d+)?$/.test(text) ? `'${text}` : text;
    return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
  };
  return lines.map((line) => `${line.map(cell).join(",")}\r\n`).join("");
}

export function download(name: string, text: string): void {
  const url = URL.createObjectURL(new Blob([text], { type: "text/plain" }));
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  URL.revokeObjectURL(url);
}
