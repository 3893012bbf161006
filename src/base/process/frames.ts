/**
 * What travels between the engine and its helper, both ways over one socket: frames of
 * `length (u32) · kind (u8) · process (u32) · payload`, integers big-endian, `length` that of the payload.
 */
export interface Frame {
  readonly kind: FrameKind;
  /** Number that the engine gave the process; each is used once. */
  readonly process: number;
  readonly payload: Buffer;
}

/** Kinds of frames, by direction. Payloads are JSON unless said otherwise. */
export const frameKind = {
  /** To the helper: a {@link SpawnRequest}. */
  spawn: 1,
  /** To the helper: bytes for the standard input; empty ends it. */
  stdin: 2,
  /** To the helper: kill the process and its group. No payload. */
  kill: 3,
  /** To the helper: so many bytes of output (u32) have been dealt with. */
  outputTaken: 4,
  /** To the engine: `{ pid }`. */
  started: 16,
  /** To the engine: bytes. */
  stdout: 17,
  stderr: 18,
  /** To the engine: so many bytes of input (u32) have been dealt with, or the process will not read more. */
  stdinTaken: 19,
  /** To the engine: a {@link ProcessEnd}; the last frame of a process. */
  ended: 20,
  /** To the engine: a {@link SpawnFailure}; the only frame of a process that could not be started. */
  failed: 21,
} as const;

export type FrameKind = (typeof frameKind)[keyof typeof frameKind];

/** How much of a stream may be under way between the two, in bytes. A reader that waits thus stops the process, not the helper. */
export const streamWindow = 1 << 20;

/** The largest payload that is ever sent. */
export const maxPayload = 16 << 20;

const headerSize = 9;

/** The header of a frame; its payload follows. */
export function frameHeader(kind: FrameKind, process: number, payloadSize: number): Buffer {
  const header = Buffer.allocUnsafe(headerSize);
  header.writeUInt32BE(payloadSize, 0);
  header.writeUInt8(kind, 4);
  header.writeUInt32BE(process, 5);
  return header;
}

/** Cuts a stream of bytes into frames. Holds at most one incomplete frame. */
export class FrameReader {
  #rest: Buffer[] = [];
  #size = 0;
  /** The frames that `chunk` completes. Payloads may share memory with it. */
  *push(chunk: Buffer): Generator<Frame> {
    this.#rest.push(chunk);
    this.#size += chunk.length;
    while (this.#size >= headerSize) {
      const payloadSize = this.#peek(headerSize).readUInt32BE(0);
      if (payloadSize > maxPayload) throw new Error(`Internal error: a frame of ${payloadSize} bytes`);
      if (this.#size < headerSize + payloadSize) return;
      const bytes = this.#peek(headerSize + payloadSize);
      this.#rest[0] = bytes.subarray(headerSize + payloadSize);
      this.#size -= headerSize + payloadSize;
      const kind = bytes.readUInt8(4) as FrameKind;
      yield { kind, process: bytes.readUInt32BE(5), payload: bytes.subarray(headerSize, headerSize + payloadSize) };
    }
  }
  /** Everything held, as one buffer of at least `size` bytes; joins pieces only when the first is too short. */
  #peek(size: number): Buffer {
    const [first] = this.#rest;
    if (first && first.length >= size) return first;
    const joined = Buffer.concat(this.#rest);
    this.#rest = [joined];
    return joined;
  }
}
