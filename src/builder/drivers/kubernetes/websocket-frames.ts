import { randomFillSync } from "node:crypto";

/** What a frame is for. @see RFC 6455, section 5.2 */
export const opcodes = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const;

/** One frame, complete. */
export interface Frame {
  readonly opcode: number;
  /** Whether it is the last of its message. */
  readonly last: boolean;
  readonly payload: Buffer;
}

/** Longer frames are not taken. */
const longest = 16 * 1024 * 1024;

/** A client's frame: one whole message, masked as a client must. */
export function encodeFrame(opcode: number, payload: Uint8Array): Buffer {
  const size = payload.byteLength;
  const extra = size < 126 ? 0 : size < 65_536 ? 2 : 8;
  const head = Buffer.alloc(2 + extra + 4);
  head[0] = 0x80 | opcode;
  head[1] = 0x80 | (extra === 0 ? size : extra === 2 ? 126 : 127);
  if (extra === 2) head.writeUInt16BE(size, 2);
  if (extra === 8) head.writeBigUInt64BE(BigInt(size), 2);
  const mask = head.subarray(2 + extra);
  randomFillSync(mask);
  const masked = Buffer.allocUnsafe(size);
  for (let at = 0; at < size; at++) masked[at] = (payload[at] as number) ^ (mask[at & 3] as number);
  return Buffer.concat([head, masked]);
}

/** Cuts a byte stream into frames. */
export class FrameReader {
  #rest: Buffer = Buffer.alloc(0);

  /** @throws {Error} for what no server sends */
  *push(chunk: Buffer): Generator<Frame> {
    this.#rest = this.#rest.byteLength === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    for (;;) {
      const bytes = this.#rest;
      if (bytes.byteLength < 2) return;
      const [first = 0, second = 0] = bytes;
      const short = second & 0x7f;
      const start = short === 126 ? 4 : short === 127 ? 10 : 2;
      if (bytes.byteLength < start) return;
      const size = short === 126 ? bytes.readUInt16BE(2) : short === 127 ? Number(bytes.readBigUInt64BE(2)) : short;
      if (second & 0x80 || first & 0x70 || size > longest) throw new Error("a WebSocket frame that no server may send");
      if (bytes.byteLength < start + size) return;
      this.#rest = bytes.subarray(start + size);
      yield { opcode: first & 0x0f, last: (first & 0x80) !== 0, payload: bytes.subarray(start, start + size) };
    }
  }
}
