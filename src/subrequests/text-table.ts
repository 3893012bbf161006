/** Rows in columns, each as wide as its widest cell and `gap` blanks more; the last column is left as it is. */
export function renderTable(rows: readonly (readonly string[])[], gap: number): string {
  const columns = Math.max(...rows.map((row) => row.length));
  const widths = Array.from({ length: columns - 1 }, (_, column) =>
    Math.max(...rows.map((row) => Array.from(row[column] ?? "").length)),
  );
  return rows
    .map((row) => `${row.map((cell, column) => cell + padding(cell, widths[column], gap)).join("")}\n`)
    .join("");
}

function padding(cell: string, width: number | undefined, gap: number): string {
  return width === undefined ? "" : " ".repeat(width + gap - Array.from(cell).length);
}
