import { paddingOf, type TarEntry, TarError } from "./entry.ts";
import { TarParser } from "./parser.ts";
import { encodeEntry, endOfArchive } from "./writer.ts";

/** What {@link readTar} yields: an entry, then the pieces of its content, then the next entry. */
export type TarEvent =
  | { readonly type: "entry"; readonly entry: TarEntry; readonly offsetBytes: number }
  | { readonly type: "data"; readonly chunk: Uint8Array };

/** Reads an archive as it streams by. Holds one chunk. For many small files {@link TarParser} is faster. */
export async function* readTar(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<TarEvent> {
  let events: TarEvent[] = [];
  const parser = new TarParser({
    entry: (entry, offsetBytes) => events.push({ type: "entry", entry, offsetBytes }),
    data: (chunk) => events.push({ type: "data", chunk }),
    end: () => undefined,
  });
  for await (const chunk of bytes) {
    parser.push(chunk);
    yield* events;
    events = [];
  }
  parser.finish();
}

/** One member for {@link writeTar}: `body` must give exactly `entry.size` bytes. */
export interface TarMember {
  readonly entry: TarEntry;
  readonly body?: AsyncIterable<Uint8Array> | Iterable<Uint8Array>;
}

/** Writes an archive. Holds one chunk. @throws {TarError} when a body is not as long as its entry says */
export async function* writeTar(members: AsyncIterable<TarMember> | Iterable<TarMember>): AsyncGenerator<Uint8Array> {
  for await (const { entry, body } of members) {
    yield encodeEntry(entry);
    if (entry.type !== "file") continue;
    let size = 0;
    for await (const chunk of body ?? []) {
      size += chunk.byteLength;
      if (size > entry.size) break;
      yield chunk;
    }
    if (size !== entry.size) {
      throw new TarError(`${JSON.stringify(entry.name)} has ${size} bytes where its header says ${entry.size}`);
    }
    if (paddingOf(size) > 0) yield new Uint8Array(paddingOf(size));
  }
  yield endOfArchive;
}
