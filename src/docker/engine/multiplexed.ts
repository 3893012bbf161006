import { Duplex } from "node:stream";

/** A piece of a stream that carries several, which the engine sends where there is no terminal. */
export interface Frame {
  readonly kind: "stdout" | "stderr" | "error";
  readonly data: Buffer;
}

const headerBytes = 8;
const kinds: readonly Frame["kind"][] = ["stdout", "stdout", "stderr", "error"];

/**
 * Cuts a multiplexed stream into its frames as they come; a frame may be given in several pieces. Holds one chunk.
 * A frame is led by its kind in one byte, three zeros, and its length in four bytes.
 */
export class FrameReader {
  #header = Buffer.alloc(0);
  #kind: Frame["kind"] = "stdout";
  #left = 0;
  *push(chunk: Buffer): Generator<Frame> {
    let rest = chunk;
    while (rest.byteLength > 0) {
      if (this.#left === 0) {
        const missing = headerBytes - this.#header.byteLength;
        this.#header = Buffer.concat([this.#header, rest.subarray(0, missing)]);
        rest = rest.subarray(missing);
        if (this.#header.byteLength < headerBytes) return;
        const kind = kinds[this.#header[0] as number];
        if (kind === undefined) throw new Error(`unrecognized stream: ${this.#header[0]}`);
        this.#kind = kind;
        this.#left = this.#header.readUInt32BE(4);
        this.#header = Buffer.alloc(0);
        continue;
      }
      const data = rest.subarray(0, this.#left);
      this.#left -= data.byteLength;
      rest = rest.subarray(data.byteLength);
      yield { kind: this.#kind, data };
    }
  }
}

/** The frames of a body. */
export async function* frames(body: AsyncIterable<Uint8Array>): AsyncGenerator<Frame> {
  const reader = new FrameReader();
  for await (const chunk of body) yield* reader.push(Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength));
}

/** How much of stderr is kept for the error that a stream may end with. */
const maxStderrBytes = 8 * 1024;

/**
 * The stdin and stdout of a program in a container as one stream, over the hijacked connection of an exec. What the program says on stderr is
 * only told when nothing came on stdout before the end.
 */
export function demultiplexed(connection: Duplex): Duplex {
  const reader = new FrameReader();
  let said = "";
  let heard = false;
  const stream = new Duplex({
    read: () => void connection.resume(),
    write: (chunk: Uint8Array, _encoding, done) => {
      if (connection.write(chunk)) done();
      else connection.once("drain", done);
    },
    final: (done) => void connection.end(done),
    destroy: (error, done) => {
      connection.destroy();
      done(error);
    },
  });
  connection.on("data", (chunk: Buffer) => {
    try {
      for (const { kind, data } of reader.push(chunk)) {
        if (kind === "stdout") {
          heard = true;
          if (!stream.push(data)) connection.pause();
        } else if (kind === "stderr") {
          said = (said + data.toString("utf8")).slice(-maxStderrBytes);
        } else {
          stream.destroy(new Error(`error from daemon in stream: ${data.toString("utf8").trim()}`));
        }
      }
    } catch (error) {
      stream.destroy(error as Error);
    }
  });
  connection.pause();
  connection.once("error", (error) => stream.destroy(error));
  const end = () => {
    if (stream.destroyed) return;
    if (!heard && said.trim() !== "") stream.destroy(new Error(said.trim()));
    else stream.push(null);
  };
  connection.once("end", end);
  connection.once("close", end);
  return stream;
}
