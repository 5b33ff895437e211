/** A cell: text as a person wrote it, or a value of ours such as an amount or a date. */
export type Cell = { readonly text: string | null } | string | null;

/**
 * One line of RFC 4180. Text that a spreadsheet would take for a formula gets an apostrophe in front; amounts of ours
 * begin with a minus sign and are left as they are.
 */
export function csvLine(cells: readonly Cell[]): string {
  return `${cells.map((cell) => quote(plain(cell))).join(",")}\r\n`;
}

function plain(cell: Cell): string {
  if (cell === null || typeof cell === "string") return cell ?? "";
  const text = cell.text ?? "";
  return /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
}

function quote(text: string): string {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
