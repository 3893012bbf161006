import { BuildError } from "../../base/errors/mod.ts";
import { ByteReader } from "../byte-reader.ts";

/** A packet of an OpenPGP message, not looked into. */
export interface Packet {
  readonly tag: number;
  readonly body: Uint8Array;
}

/** Of the packets that keys and signatures are made of. */
export const packetTags = {
  signature: 2,
  secretKey: 5,
  publicKey: 6,
  secretSubkey: 7,
  userId: 13,
  publicSubkey: 14,
  userAttribute: 17,
} as const;

/**
 * Splits a message into its packets.
 * @throws {BuildError} `invalid_argument`
 * @see RFC 9580, section 4
 */
export function readPackets(bytes: Uint8Array): readonly Packet[] {
  const reader = new ByteReader(bytes, "OpenPGP packet");
  const packets: Packet[] = [];
  while (reader.left > 0) {
    const head = reader.uint8();
    if ((head & 0x80) === 0) throw new BuildError("invalid_argument", "invalid OpenPGP packet: no packet header");
    const isNew = (head & 0x40) !== 0;
    const tag = isNew ? head & 0x3f : (head >> 2) & 0x0f;
    packets.push({ tag, body: reader.take(isNew ? newLength(reader) : oldLength(reader, head & 3)) });
  }
  return packets;
}

/** One, two or five bytes; also of subpackets, where the middle form goes further. */
export function newLength(reader: ByteReader, options: { readonly subpacket?: boolean } = {}): number {
  const first = reader.uint8();
  if (first < 192) return first;
  if (first < 224 || (options.subpacket === true && first < 255)) return ((first - 192) << 8) + reader.uint8() + 192;
  if (first === 255) return reader.uint32();
  throw new BuildError("invalid_argument", "invalid OpenPGP packet: a key or signature in parts");
}

function oldLength(reader: ByteReader, type: number): number {
  if (type === 0) return reader.uint8();
  if (type === 1) return reader.uint16();
  return type === 2 ? reader.uint32() : reader.left;
}

/** A number of any length: its bits are counted in two bytes before it. */
export function readInteger(reader: ByteReader): Buffer {
  return reader.take(Math.ceil(reader.uint16() / 8));
}
