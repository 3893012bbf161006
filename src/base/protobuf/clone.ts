import type { DescMessage, Field } from "./descriptor.ts";
import { setOwn } from "./create.ts";
import type { MessageShape } from "./message.ts";

type Plain = Record<string, unknown>;

/** A copy that shares nothing with the original. */
export function clone<D extends DescMessage>(desc: D, message: MessageShape<D>): MessageShape<D> {
  return clonePlain(desc, message as unknown as Plain) as unknown as MessageShape<D>;
}

function clonePlain(desc: DescMessage, message: Plain): Plain {
  const copy: Plain = { ...message };
  for (const field of desc.fields) {
    const name = field.oneof ?? field.localName;
    const value = message[name];
    if (field.oneof !== undefined) {
      const chosen = value as { readonly case?: string; readonly value?: unknown } | undefined;
      if (chosen?.case === field.localName) copy[name] = { case: chosen.case, value: cloneOne(field, chosen.value) };
    } else if (value === undefined) continue;
    else if (field.kind === "list") copy[name] = (value as readonly unknown[]).map((item) => cloneOne(field, item));
    else if (field.kind === "one") copy[name] = cloneOne(field, value);
    else {
      const held: Plain = {};
      for (const [key, item] of Object.entries(value as Plain)) setOwn(held, key, cloneOne(field, item));
      copy[name] = held;
    }
  }
  const unknown = message["$unknown"] as readonly unknown[] | undefined;
  if (unknown) copy["$unknown"] = [...unknown];
  return copy;
}

function cloneOne(field: Field, value: unknown): unknown {
  if (field.message) return clonePlain(field.message, value as Plain);
  return value instanceof Uint8Array ? Uint8Array.from(value) : value;
}
