import type { DescMessage, Field, Scalar } from "./descriptor.ts";
import type { MessageInitShape, MessageShape } from "./message.ts";

type Plain = Record<string, unknown>;

/** A message, with the given fields and zeros; a value that already is such a message is taken as it is. */
export function create<D extends DescMessage>(desc: D, init?: MessageInitShape<D>): MessageShape<D> {
  return createPlain(desc, init as Plain | undefined) as unknown as MessageShape<D>;
}

/** As {@link create}, for those who go by the table. */
export function createPlain(desc: DescMessage, init: Readonly<Plain> | undefined): Plain {
  if (init?.["$typeName"] === desc.typeName) return init;
  const message: Plain = { $typeName: desc.typeName };
  for (const field of desc.fields) {
    if (field.oneof === undefined) {
      const value = init?.[field.localName];
      if (value !== undefined && value !== null) message[field.localName] = converted(field, value);
      else if (field.kind === "list") message[field.localName] = [];
      else if (field.kind === "map") message[field.localName] = {};
      else if (!field.optional && field.scalar !== undefined) message[field.localName] = zeroOf(field.scalar);
    } else {
      const chosen = init?.[field.oneof] as { readonly case?: string; readonly value?: unknown } | undefined;
      if (chosen?.case === field.localName) {
        message[field.oneof] = { case: field.localName, value: one(field, chosen.value) };
      } else if (!(field.oneof in message)) message[field.oneof] = { case: undefined };
    }
  }
  return message;
}

/** What a scalar is that was not sent. */
export function zeroOf(scalar: Scalar): unknown {
  switch (scalar) {
    case "bool":
      return false;
    case "string":
      return "";
    case "bytes":
      return new Uint8Array(0);
    case "int64":
    case "uint64":
    case "fixed64":
      return 0n;
    default:
      return 0;
  }
}

function converted(field: Field, value: unknown): unknown {
  if (!field.message) return value;
  if (field.kind === "list") return (value as readonly unknown[]).map((item) => one(field, item));
  if (field.kind === "one") return one(field, value);
  const held: Plain = {};
  for (const [key, item] of Object.entries(value as Plain)) setOwn(held, key, one(field, item));
  return held;
}

function one(field: Field, value: unknown): unknown {
  return field.message ? createPlain(field.message, value as Plain) : value;
}

/** Sets a key that comes from outside, whatever it is called. */
export function setOwn(target: Plain, key: string, value: unknown): void {
  if (key === "__proto__") {
    Object.defineProperty(target, key, { value, enumerable: true, configurable: true, writable: true });
  } else target[key] = value;
}
