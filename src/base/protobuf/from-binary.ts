import { createPlain, setOwn, zeroOf } from "./create.ts";
import type { DescMessage, Field, Scalar } from "./descriptor.ts";
import type { MessageShape, UnknownField } from "./message.ts";
import { maxDepth, Reader } from "./reader.ts";
import { wireBytes, wireTypeOf } from "./wire.ts";

type Plain = Record<string, unknown>;

/**
 * The message that these bytes are. Its `bytes` fields are views of them.
 * @throws {Error} when they are cut off, nested too deeply, or break the rules of the format
 */
export function fromBinary<D extends DescMessage>(desc: D, bytes: Uint8Array): MessageShape<D> {
  const message = createPlain(desc, undefined);
  readFields(new Reader(bytes), desc, message, 1);
  return message as unknown as MessageShape<D>;
}

function readFields(reader: Reader, desc: DescMessage, message: Plain, depth: number): void {
  if (depth > maxDepth) throw new Error(`maximum recursion depth of ${maxDepth} reached`);
  const fields = desc.byNumber;
  while (reader.at < reader.end) {
    const tag = reader.varint();
    const number = tag >>> 3;
    if (number === 0) throw new Error("illegal tag: field no 0");
    const field = fields.get(number);
    if (!field || !readField(reader, field, message, tag & 7, depth)) {
      const data = reader.skip(number, tag & 7, depth);
      ((message["$unknown"] ??= []) as UnknownField[]).push({ no: number, wireType: tag & 7, data });
    }
  }
}

/** @returns whether the field is written as its type says; otherwise nothing was read */
function readField(reader: Reader, field: Field, message: Plain, wireType: number, depth: number): boolean {
  const { localName, scalar, kind } = field;
  const expected = kind === "map" || scalar === undefined ? wireBytes : wireTypeOf(scalar);
  if (kind === "list" && scalar !== undefined) return readItems(reader, scalar, message[localName], expected, wireType);
  if (wireType !== expected) return false;
  if (kind === "list") (message[localName] as unknown[]).push(readMessage(reader, field, undefined, depth));
  else if (kind === "map") readEntry(reader, field, message[localName] as Plain, depth);
  else if (field.oneof !== undefined) {
    const { case: arm, value } = message[field.oneof] as { readonly case?: string; readonly value?: unknown };
    const before = arm === localName ? value : undefined;
    message[field.oneof] = { case: localName, value: readOne(reader, field, before, depth) };
  } else message[localName] = readOne(reader, field, message[localName], depth);
  return true;
}

/** Numbers may come packed or one by one, whatever the type says. */
function readItems(reader: Reader, scalar: Scalar, items: unknown, expected: number, wireType: number): boolean {
  if (wireType === expected) (items as unknown[]).push(reader.scalar(scalar));
  else if (wireType === wireBytes) {
    const end = reader.lengthEnd();
    while (reader.at < end) (items as unknown[]).push(reader.scalar(scalar));
    if (reader.at > end) throw new RangeError("premature EOF");
  } else return false;
  return true;
}

function readEntry(reader: Reader, field: Field, entries: Plain, depth: number): void {
  const { key: keyScalar = "string", scalar } = field;
  let key: unknown;
  let value: unknown;
  within(reader, () => {
    while (reader.at < reader.end) {
      const tag = reader.varint();
      if (tag === ((1 << 3) | wireTypeOf(keyScalar))) key = reader.scalar(keyScalar);
      else if (tag === ((2 << 3) | (scalar === undefined ? wireBytes : wireTypeOf(scalar)))) {
        value = readOne(reader, field, value, depth);
      } else reader.skip(tag >>> 3, tag & 7, depth);
    }
  });
  value ??= field.message ? createPlain(field.message, undefined) : zeroOf(scalar ?? "string");
  setOwn(entries, String(key ?? zeroOf(keyScalar)), value);
}

/** @param before what was read of the same field; the parts of a message that comes in parts are merged */
function readOne(reader: Reader, field: Field, before: unknown, depth: number): unknown {
  return field.scalar === undefined ? readMessage(reader, field, before, depth) : reader.scalar(field.scalar);
}

function readMessage(reader: Reader, field: Field, before: unknown, depth: number): unknown {
  const desc = field.message as DescMessage;
  const message = (before ?? createPlain(desc, undefined)) as Plain;
  within(reader, () => readFields(reader, desc, message, depth + 1));
  return message;
}

/** Reads a part that begins with its length. */
function within(reader: Reader, read: () => void): void {
  const after = reader.end;
  reader.end = reader.lengthEnd();
  read();
  reader.end = after;
}
