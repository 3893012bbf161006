import { goJson } from "./json.ts";

/**
 * JSON as Go's `encoding/json` writes it: bytes in base64, bigints as numbers, nothing that HTML could stumble over. Keys keep their order.
 * @param indent put before each line, once more for every level; none: all on one line
 */
export function goJsonText(value: unknown, indent = ""): string {
  return valueText(value, indent, "\n");
}

/** @param line what begins a line on the level of `value` */
function valueText(value: unknown, indent: string, line: string): string {
  if (typeof value === "string") return goJson(value);
  if (value instanceof Uint8Array) {
    return `"${Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString("base64")}"`;
  }
  const inner = line + indent;
  const isBroken = indent !== "";
  if (Array.isArray(value)) {
    if (value.length === 0) return "[]";
    const items = value.map((item) => valueText(item, indent, inner));
    return isBroken ? `[${inner}${items.join(`,${inner}`)}${line}]` : `[${items.join(",")}]`;
  }
  if (typeof value === "object" && value !== null) {
    let text = "";
    for (const [key, held] of Object.entries(value)) {
      if (held === undefined) continue;
      const name = `${goJson(key)}:${isBroken ? " " : ""}`;
      text += `${text === "" ? "" : ","}${isBroken ? inner : ""}${name}${valueText(held, indent, inner)}`;
    }
    return text === "" ? "{}" : `{${text}${isBroken ? line : ""}}`;
  }
  return String(value);
}
