import { parseCsvFields } from "../../base/text/csv/mod.ts";
import { parseGoBool } from "../../base/text/go-values/mod.ts";
import { withSuggestion } from "../../base/text/suggest/mod.ts";

/** `RUN --device=[name=]NAME[,required[=bool]]`. @throws {Error} with BuildKit's words */
export function parseDevice(flag: string): { readonly name: string; readonly required: boolean } {
  let name = "";
  let required = false;
  for (const field of fieldsOf(flag)) {
    const at = field.indexOf("=");
    const key = (at < 0 ? field : field.slice(0, at)).toLowerCase();
    const value = at < 0 ? undefined : field.slice(at + 1);
    if (key === "required") {
      const parsed = value === undefined ? true : parseGoBool(value);
      if (parsed === undefined) throw new Error(`invalid value for ${key}: ${value}`);
      required = parsed;
    } else if (key === "name" && value !== undefined) {
      if (name !== "") throw new Error(`device name already set to ${name}`);
      name = value;
    } else if (name === "") {
      name = field; // may itself hold an equals sign: vendor.com/class=name
    } else if (value === undefined) {
      throw new Error(`invalid field '${field}' must be a key=value pair`);
    } else {
      throw new Error(withSuggestion(`unexpected key '${key}' in '${field}'`, key, ["name", "required"]));
    }
  }
  return { name, required };
}

function fieldsOf(flag: string): readonly string[] {
  try {
    return parseCsvFields(flag);
  } catch (error) {
    throw new Error(`failed to parse csv devices: ${(error as Error).message}`, { cause: error });
  }
}
