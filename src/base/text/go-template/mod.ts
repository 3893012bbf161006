/** Go templates over JSON values, as `--format` takes them. */
export { compileTemplate, type Template } from "./evaluate.ts";
export { goStruct } from "./format-value.ts";
export type { TemplateFunction } from "./functions.ts";
