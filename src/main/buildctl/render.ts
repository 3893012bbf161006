import { compileTemplate } from "../../base/text/go-template/mod.ts";
import { goJson } from "../../base/text/go-values/mod.ts";
import { alignTabs } from "../../cli/table/mod.ts";

/** Fields as templates name them, and the object that `{{json .}}` makes of them. */
export type GoValue = Readonly<Record<string, unknown>>;

/** A value whose fields have other names in JSON. */
export function goValue(fields: GoValue, json: unknown): GoValue {
  return Object.defineProperty({ ...fields }, "toJSON", { value: () => json, enumerable: false });
}

/** What a `--format` makes of values: each a line of its own. @throws {Error} when the template is wrong */
export function renderer(format: string): (value: GoValue | readonly GoValue[]) => string {
  const template = compileTemplate(format, { json: goJson });
  return (value) => `${template.render(value as GoValue)}\n`;
}

/** Text in columns, as BuildKit's command lays them out. */
export function columns(text: string): string {
  return alignTabs(text, { minWidth: 1, padding: 1, tabWidth: 8 });
}
