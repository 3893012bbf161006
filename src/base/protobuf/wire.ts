import type { Scalar } from "./descriptor.ts";

/** A varint of up to 64 bits. */
export const wireVarint = 0;
/** Eight bytes. */
export const wireFixed64 = 1;
/** A length and so many bytes: strings, bytes, messages, packed lists. */
export const wireBytes = 2;
/** The begin of a group, which old messages have. */
export const wireStartGroup = 3;
/** The end of a group. */
export const wireEndGroup = 4;
/** Four bytes. */
export const wireFixed32 = 5;

/** Which of these a scalar is written as, outside a packed list. */
export function wireTypeOf(scalar: Scalar): number {
  switch (scalar) {
    case "string":
    case "bytes":
      return wireBytes;
    case "double":
    case "fixed64":
      return wireFixed64;
    case "fixed32":
      return wireFixed32;
    default:
      return wireVarint;
  }
}
