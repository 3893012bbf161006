/** How columns are laid out; what Go's `text/tabwriter` is given. */
export interface TabOptions {
  /** Least width of a column, padding included. */
  readonly minWidth: number;
  /** Added to the widest cell of a column. */
  readonly padding: number;
  /** Columns are filled with tabs of this width, not with spaces. */
  readonly tabWidth?: number;
}

/**
 * Lines up text whose cells end in tabs, as Go's `text/tabwriter` does: a column is as wide as its widest cell in neighbouring lines; what follows
 * a line's last tab belongs to no column.
 */
export function alignTabs(text: string, options: TabOptions): string {
  const lines = text.split("\n").map((line) => line.split("\t"));
  const widths = lines.map(() => [] as number[]);
  for (let column = 0; ; column++) {
    const has = (at: number) => column < (lines[at] as string[]).length - 1;
    if (!lines.some((_, at) => has(at))) break;
    for (let at = 0; at < lines.length; at++) {
      if (!has(at)) continue;
      let end = at;
      let width = options.minWidth;
      // a block of this column goes on as long as the columns before it do
      for (; end < lines.length && has(end); end++) {
        width = Math.max(width, lengthOf((lines[end] as string[])[column] as string) + options.padding);
      }
      for (let line = at; line < end; line++) (widths[line] as number[])[column] = width;
      at = end;
    }
  }
  return lines.map((cells, at) => renderLine(cells, widths[at] as number[], options)).join("\n");
}

function renderLine(cells: readonly string[], widths: readonly number[], { tabWidth }: TabOptions): string {
  return cells
    .map((cell, column) => {
      const width = widths[column];
      if (width === undefined) return cell;
      const missing = width - lengthOf(cell);
      if (tabWidth === undefined) return cell + " ".repeat(missing);
      const filled = Math.ceil(width / tabWidth) * tabWidth;
      return cell + "\t".repeat(Math.ceil((filled - lengthOf(cell)) / tabWidth));
    })
    .join("");
}

function lengthOf(text: string): number {
  return Array.from(text).length;
}
