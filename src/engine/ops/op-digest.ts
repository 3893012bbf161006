import { goJsonText } from "../../base/text/go-values/mod.ts";
import { type Digest, digestOf } from "../../oci/mod.ts";

/**
 * The digest of an op, apart from its inputs: of a JSON text that BuildKit would write for it, so that engines can recognise each
 * other's work.
 * @param value plain values and what `messageJson` gives, in the order in which they are to be written
 */
export function opDigest(value: Readonly<Record<string, unknown>>): Digest {
  return digestOf(goJsonText(value));
}

/** The text of {@link opDigest}'s argument, as bytes: where an op's JSON holds another one's. */
export function jsonBytes(value: Readonly<Record<string, unknown>>): Uint8Array {
  return Buffer.from(goJsonText(value), "utf8");
}
