import { compileTemplate } from "../../base/text/go-template/mod.ts";
import { goJson } from "../../base/text/go-values/mod.ts";
import { alignTabs } from "./tabs.ts";

/** One row: what a template may name. Its JSON is what `json` prints. */
export type Row = Readonly<Record<string, unknown>>;

/** What `--format` asks for. */
export interface RowFormat {
  readonly kind: "table" | "json" | "template";
  /** The template of one row. */
  readonly template: string;
}

/**
 * Reads a `--format` as Docker's commands do: `json`, `table`, `table TEMPLATE`, or a template; `\t` and `\n` may be written out.
 * @param names templates that have names: what `table` alone means, and maybe others
 */
export function parseFormat(text: string, names: Readonly<Record<string, string>>): RowFormat {
  const named = Object.hasOwn(names, text) ? (names[text] as string) : text;
  if (named === "json") return { kind: "json", template: "{{json .}}" };
  const isTable = named.startsWith("table");
  const template = (isTable ? named.slice("table".length) : named).trim();
  return { kind: isTable ? "table" : "template", template: template.replaceAll("\\t", "\t").replaceAll("\\n", "\n") };
}

/**
 * Prints rows.
 * @param header headings by field
 * @throws {Error} when the template is wrong
 */
export function renderRows(format: RowFormat, header: Readonly<Record<string, string>>, rows: readonly Row[]): string {
  const template = compileTemplate(format.template, rowFunctions);
  const body = rows.map((row) => `${template.render(row)}\n`).join("");
  if (format.kind !== "table") return body;
  const heading = compileTemplate(format.template, headingFunctions).render(header);
  return alignTabs(`${heading}\n${body}`, { minWidth: 10, padding: 3 });
}

const text = (value: unknown) => (typeof value === "string" ? value : JSON.stringify(value ?? ""));

const rowFunctions = {
  // rows escape what HTML would mind; plain values do not
  json: (value: unknown) =>
    typeof value === "object" && value !== null ? goJson(value) : JSON.stringify(value ?? null),
  pad: (value: unknown, before: unknown, after: unknown) =>
    `${" ".repeat(Number(before))}${text(value)}${" ".repeat(Number(after))}`,
  truncate: (value: unknown, length: unknown) => text(value).slice(0, Number(length)),
};

/** What would change a value leaves a heading alone. */
const headingFunctions = {
  ...rowFunctions,
  json: text,
  split: text,
  join: text,
  title: text,
  lower: text,
  upper: text,
  truncate: text,
};
