import type { DescMessage, Field, Scalar } from "./descriptor.ts";
import type { MessageShape, UnknownField } from "./message.ts";
import { wireBytes, wireTypeOf } from "./wire.ts";
import { Writer } from "./writer.ts";

type Plain = Readonly<Record<string, unknown>>;

/**
 * A message as bytes: fields by number, maps in their own order, then what its type does not know. The same message always gives the same bytes.
 * @throws {TypeError} naming the field, when a value does not fit its type
 */
export function toBinary<D extends DescMessage>(desc: D, message: MessageShape<D>): Uint8Array<ArrayBuffer> {
  const writer = new Writer();
  writeFields(writer, desc, message as unknown as Plain);
  return writer.finish();
}

function writeFields(writer: Writer, desc: DescMessage, message: Plain): void {
  for (const field of desc.written) {
    try {
      writeField(writer, field, message);
    } catch (cause) {
      if (!(cause instanceof TypeError) || cause.message.startsWith("cannot encode ")) throw cause;
      throw new TypeError(`cannot encode ${desc.typeName}.${field.name}: ${cause.message}`, { cause });
    }
  }
  for (const { no, wireType, data } of (message["$unknown"] ?? []) as readonly UnknownField[]) {
    writer.tag(no, wireType);
    writer.raw(data);
  }
}

function writeField(writer: Writer, field: Field, message: Plain): void {
  const { number, scalar, localName } = field;
  if (field.oneof !== undefined) {
    const chosen = message[field.oneof] as { readonly case?: string; readonly value?: unknown } | undefined;
    if (chosen?.case === localName) writeOne(writer, field, number, chosen.value);
    return;
  }
  const value = message[localName];
  if (value === undefined) return;
  if (field.kind === "one") {
    if (scalar === undefined || field.optional || !isZero(scalar, value)) writeOne(writer, field, number, value);
  } else if (field.kind === "map") writeMap(writer, field, value as Plain);
  else {
    const items = value as readonly unknown[];
    if (items.length === 0) return;
    if (scalar === undefined || wireTypeOf(scalar) === wireBytes) {
      for (const item of items) writeOne(writer, field, number, item);
    } else {
      writer.tag(number, wireBytes);
      writer.framed(() => {
        for (const item of items) writer.scalar(scalar, item);
      });
    }
  }
}

function writeMap(writer: Writer, field: Field, entries: Plain): void {
  const { key: scalar = "string" } = field;
  for (const key of Object.keys(entries)) {
    writer.tag(field.number, wireBytes);
    writer.framed(() => {
      writer.tag(1, wireTypeOf(scalar));
      writer.scalar(scalar, keyOf(scalar, key));
      writeOne(writer, field, 2, entries[key]);
    });
  }
}

function keyOf(scalar: Scalar, key: string): unknown {
  switch (scalar) {
    case "string":
      return key;
    case "bool":
      return key === "true";
    case "int64":
    case "uint64":
    case "fixed64":
      return BigInt(key);
    default:
      return Number(key);
  }
}

function writeOne(writer: Writer, { scalar, message }: Field, number: number, value: unknown): void {
  if (scalar !== undefined) {
    writer.tag(number, wireTypeOf(scalar));
    writer.scalar(scalar, value);
  } else if (message && typeof value === "object" && value !== null) {
    writer.tag(number, wireBytes);
    writer.framed(() => writeFields(writer, message, value as Plain));
  } else throw new TypeError(`${String(value)} is no ${message?.typeName}`);
}

function isZero(scalar: Scalar, value: unknown): boolean {
  switch (scalar) {
    case "bytes":
      return (value as Uint8Array).byteLength === 0;
    case "double":
      return Object.is(value, 0);
    default:
      return value === 0 || value === "" || value === false || value === 0n;
  }
}
