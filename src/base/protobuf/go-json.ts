import type { DescMessage, Field } from "./descriptor.ts";
import type { Message } from "./message.ts";

/** A message as Go's `encoding/json` sees its struct: fields by their proto names, in order, zero values left out.. */
export function messageJson(schema: DescMessage, message: Message): Record<string, unknown> {
  const json: Record<string, unknown> = {};
  const values = message as unknown as Readonly<Record<string, unknown>>;
  const oneofs = new Set<string>();
  for (const field of schema.fields) {
    if (!field.oneof) {
      const value = fieldJson(field, values[field.localName]);
      if (value !== undefined) json[field.name] = value;
    } else if (!oneofs.has(field.oneof)) {
      oneofs.add(field.oneof);
      // A Go struct holds a oneof as one field of an interface type, written even when nil.
      const cases = schema.fields.filter(({ oneof }) => oneof === field.oneof);
      json[capitalized(field.oneof)] = oneofJson(cases, values[field.oneof]);
    }
  }
  return json;
}

function oneofJson(fields: readonly Field[], value: unknown): unknown {
  const { case: arm, value: held } = value as { readonly case: string | undefined; readonly value?: unknown };
  const field = fields.find((candidate) => candidate.localName === arm);
  if (!field) return null;
  const json = fieldJson(field, held);
  return json === undefined ? {} : { [field.name.replace(/ID$/, "Id")]: json };
}

function fieldJson(field: Field, value: unknown): unknown {
  const { message } = field;
  switch (field.kind) {
    case "one":
      if (!message) return isZero(value) ? undefined : value;
      return value === undefined ? undefined : messageJson(message, value as Message);
    case "list": {
      const list = value as readonly unknown[];
      if (list.length === 0) return undefined;
      return message ? list.map((item) => messageJson(message, item as Message)) : list;
    }
    case "map": {
      const entries = Object.entries(value as Readonly<Record<string, unknown>>).sort(byKey);
      if (entries.length === 0) return undefined;
      return Object.fromEntries(
        entries.map(([key, held]) => [key, message ? messageJson(message, held as Message) : held]),
      );
    }
  }
}

function byKey([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function isZero(value: unknown): boolean {
  if (value instanceof Uint8Array) return value.byteLength === 0;
  return value === undefined || value === "" || value === 0 || value === 0n || value === false;
}

function capitalized(name: string): string {
  return name.charAt(0).toUpperCase() + name.slice(1);
}
