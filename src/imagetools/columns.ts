/** A line of a table: cells of which all but the last are padded. A line of one cell interrupts the columns. */
export type Row = readonly string[];

/**
 * Lines up first cells as Go's `tabwriter` does: a column's width is that of its widest cell among neighbouring lines, plus one space.
 * Cells that end a line are not padded.
 */
export function renderColumns(rows: readonly Row[]): string {
  const lines: string[] = [];
  for (let at = 0; at < rows.length; ) {
    let end = at;
    while (end < rows.length && (rows[end] as Row).length > 1) end++;
    const block = rows.slice(at, end);
    const width = Math.max(0, ...block.map(([first = ""]) => first.length)) + 1;
    for (const [first = "", ...rest] of block) lines.push(first.padEnd(width) + rest.join(" "));
    const single = rows[end];
    if (single) lines.push(single[0] ?? "");
    at = end + 1;
  }
  return lines.map((line) => `${line}\n`).join("");
}
