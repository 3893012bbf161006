import { Duplex } from "node:stream";
import { decodeBytesMessage, encodeBytesMessage } from "./bytes-message.ts";

/** A bidirectional call of `BytesMessage`s, from either side; rpc's `ClientCall` and `ServedStream` both are one. */
export interface TunnelStream {
  readonly incoming: AsyncIterable<Uint8Array>;
  send(message: Uint8Array): Promise<void>;
  /** Half-closes; a served stream is ended by the return of its handler instead. */
  end?(): void;
}

/** What is written at once travels in messages of at most so many bytes. */
const maxChunkBytes = 1024 * 1024;

/**
 * A call of `BytesMessage`s as the duplex of bytes that it stands for. Message boundaries carry no meaning; what is written in a burst is sent as one
 * message. Ends when the other side ends its stream; fails when the call fails.
 */
export function tunnel(stream: TunnelStream): Duplex {
  const incoming = stream.incoming[Symbol.asyncIterator]();
  let reading = false;
  const pull = async (duplex: Duplex): Promise<void> => {
    if (reading) return;
    reading = true;
    try {
      for (;;) {
        const next = await incoming.next();
        if (next.done) {
          duplex.push(null);
          return;
        }
        const data = decodeBytesMessage(next.value);
        if (data.byteLength > 0 && !duplex.push(data)) break;
      }
    } catch (error) {
      duplex.destroy(error as Error);
      return;
    }
    reading = false;
  };
  const write = async (chunks: readonly Uint8Array[], done: () => void): Promise<void> => {
    let batch: Uint8Array[] = [];
    let batched = 0;
    for (const chunk of chunks) {
      if (batched > 0 && batched + chunk.byteLength > maxChunkBytes) {
        await stream.send(encodeBytesMessage(batch));
        batch = [];
        batched = 0;
      }
      batch.push(chunk);
      batched += chunk.byteLength;
    }
    await stream.send(encodeBytesMessage(batch)); // never rejects: the reading side tells what is wrong
    done();
  };
  return new Duplex({
    readableHighWaterMark: maxChunkBytes,
    writableHighWaterMark: maxChunkBytes,
    read() {
      void pull(this);
    },
    write(chunk: Uint8Array, _encoding, done) {
      void write([chunk], done);
    },
    writev(chunks, done) {
      void write(
        chunks.map(({ chunk }) => chunk as Uint8Array),
        done,
      );
    },
    final(done) {
      stream.end?.();
      done();
    },
    destroy(error, done) {
      stream.end?.();
      void incoming.return?.();
      done(error);
    },
  });
}
