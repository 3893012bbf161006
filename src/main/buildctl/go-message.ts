import type { DescMessage, Field, Message } from "../../base/protobuf/mod.ts";
import { goValue, type GoValue } from "./render.ts";

/** A message as BuildKit's own programs have it: fields with capitals and enums by name for templates, and in JSON the names of the .proto file, without what is zero. */
export function goMessage(desc: DescMessage, message: Message): GoValue {
  const values = message as unknown as Readonly<Record<string, unknown>>;
  const fields: Record<string, unknown> = {};
  const json: Record<string, unknown> = {};
  for (const field of desc.fields) {
    if (field.oneof !== undefined) continue; // what this command shows has none
    const value = valueOf(field, values[field.localName]);
    const name = Object.entries(field.enum ?? {}).find(([, number]) => number === value)?.[0];
    fields[field.localName.charAt(0).toUpperCase() + field.localName.slice(1)] = name ?? value;
    if (!isZero(value)) json[field.name] = value;
  }
  return goValue(fields, json);
}

function valueOf(field: Field, value: unknown): unknown {
  if (field.kind === "list") return (value as readonly unknown[]).map((item) => one(field, item));
  if (field.kind === "map") {
    const entries = Object.entries(value as Readonly<Record<string, unknown>>).toSorted(([a], [b]) => (a < b ? -1 : 1));
    return Object.fromEntries(entries.map(([key, item]) => [key, one(field, item)]));
  }
  return one(field, value);
}

function one({ message }: Field, value: unknown): unknown {
  if (value === undefined) return null;
  if (message) return goMessage(message, value as Message);
  if (typeof value === "bigint") return Number(value);
  return value instanceof Uint8Array ? Buffer.from(value).toString("base64") : value;
}

function isZero(value: unknown): boolean {
  if (Array.isArray(value)) return value.length === 0;
  if (typeof value === "object" && value !== null && !("toJSON" in value)) return Object.keys(value).length === 0;
  return value === null || value === "" || value === 0 || value === false;
}
