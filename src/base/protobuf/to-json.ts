import type { DescMessage, Field } from "./descriptor.ts";
import type { Message } from "./message.ts";

/** A message as protobuf's JSON has it: zero values left out, enums by name, bytes in base64, 64-bit integers as text. What its type does not know is left out. */
export function toJson(schema: DescMessage, message: Message): Record<string, unknown> {
  const values = message as unknown as Readonly<Record<string, unknown>>;
  const json: Record<string, unknown> = {};
  for (const field of schema.fields) {
    const value = heldBy(field, values);
    if (value !== undefined) json[field.localName] = value;
  }
  return json;
}

function heldBy(field: Field, values: Readonly<Record<string, unknown>>): unknown {
  const { localName, kind, oneof } = field;
  if (oneof !== undefined) {
    const { case: arm, value } = values[oneof] as { readonly case?: string; readonly value?: unknown };
    return arm === localName ? one(field, value) : undefined;
  }
  const value = values[localName];
  if (value === undefined) return undefined;
  if (kind === "list")
    return (value as unknown[]).length === 0 ? undefined : (value as unknown[]).map((v) => one(field, v));
  if (kind === "one") return isZero(field, value) ? undefined : one(field, value);
  const entries = Object.entries(value as Readonly<Record<string, unknown>>);
  return entries.length === 0 ? undefined : Object.fromEntries(entries.map(([key, v]) => [key, one(field, v)]));
}

function one({ message, enum: names }: Field, value: unknown): unknown {
  if (message) return toJson(message, value as Message);
  if (names) return Object.keys(names).find((name) => names[name] === value) ?? value;
  if (value instanceof Uint8Array) return Buffer.from(value).toString("base64");
  return typeof value === "bigint" ? value.toString() : value;
}

function isZero({ message, optional }: Field, value: unknown): boolean {
  if (message || optional) return false;
  if (value instanceof Uint8Array) return value.byteLength === 0;
  return value === "" || value === 0 || value === 0n || value === false;
}
