import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { constants, inflateSync } from "node:zlib";
import type { PodProcess, PodStreams } from "./pod-process.ts";
import { spdyDictionary } from "./spdy-dictionary.ts";

/** The protocol that streams of a process are carried by; its errors are JSON. */
const streamProtocol = "v4.channel.k8s.io";
const types = { synStream: 1, synReply: 2, rstStream: 3, ping: 6, goAway: 7 } as const;
const headBytes = 8;
const fin = 1;

/**
 * Carries the streams of a process in a pod over SPDY, which docker buildx asks for: the client opens one SPDY stream for each of stdin, stdout,
 * stderr and the outcome, and says in a header which is which. There is no flow control, as in the clients that speak this.
 * @param start called when the client has opened all four
 * @see SPDY protocol, draft 3.1
 */
export function serveSpdy(
  request: IncomingMessage,
  socket: Duplex,
  head: Buffer,
  start: (streams: PodStreams) => PodProcess,
): void {
  const asked = [request.headers["x-stream-protocol-version"] ?? []].flat().join(",");
  if (!asked.split(",").some((name) => name.trim() === streamProtocol)) {
    return void socket.end("HTTP/1.1 400 Bad Request\r\nconnection: close\r\n\r\n");
  }
  socket.write(
    `HTTP/1.1 101 Switching Protocols\r\nconnection: Upgrade\r\nupgrade: SPDY/3.1\r\nx-stream-protocol-version: ${streamProtocol}\r\n\r\n`,
  );
  const headers = new HeaderReader();
  const replies = new ReplyHeaders();
  const ids = new Map<string, number>();
  let process: PodProcess | undefined;

  const begin = (): PodProcess => {
    const to = (name: string, bytes: Uint8Array, flags = 0) =>
      socket.write(frame(Buffer.of(0, 0, 0, 0), ids.get(name) ?? 0, flags, bytes));
    return start({
      stdout: (bytes) => to("stdout", bytes),
      stderr: (bytes) => to("stderr", bytes),
      end: (outcome) => {
        for (const name of ["stdout", "stderr"]) to(name, Buffer.alloc(0), fin);
        to("error", outcome === undefined ? Buffer.alloc(0) : Buffer.from(JSON.stringify(outcome)), fin);
        socket.end(control(types.goAway, 0, Buffer.alloc(8)));
      },
    });
  };
  const takeControl = (type: number, payload: Buffer): void => {
    if (type === types.ping) socket.write(control(types.ping, 0, payload));
    if (type !== types.synStream) return;
    const id = payload.readUInt32BE(0);
    ids.set(headers.read(payload.subarray(10)).get("streamtype") ?? "", id);
    socket.write(control(types.synReply, 0, Buffer.concat([uint32(id), replies.next()])));
    if (["stdin", "stdout", "stderr", "error"].every((name) => ids.has(name))) process ??= begin();
  };
  const takeData = (id: number, flags: number, payload: Buffer): void => {
    if (id !== ids.get("stdin")) return;
    if (payload.byteLength > 0) process?.stdin(payload);
    if (flags & fin) process?.endStdin();
  };
  let rest = head;
  const take = (chunk: Buffer): void => {
    rest = Buffer.concat([rest, chunk]);
    while (rest.byteLength >= headBytes) {
      const first = rest.readUInt32BE(0);
      const flags = rest[4] ?? 0;
      const size = rest.readUIntBE(5, 3);
      if (rest.byteLength < headBytes + size) return;
      const payload = rest.subarray(headBytes, headBytes + size);
      rest = rest.subarray(headBytes + size);
      if (first >>> 31) takeControl(first & 0xffff, payload);
      else takeData(first, flags, payload);
    }
  };
  socket.on("data", take);
  socket.on("drain", () => process?.resume());
  socket.once("error", () => process?.kill());
  socket.once("close", () => process?.kill());
  take(Buffer.alloc(0));
}

/** Headers of all streams are one stream of compressed bytes. */
class HeaderReader {
  #compressed = Buffer.alloc(0);
  #read = 0;
  read(block: Buffer): ReadonlyMap<string, string> {
    this.#compressed = Buffer.concat([this.#compressed, block]);
    const options = { dictionary: spdyDictionary, finishFlush: constants.Z_SYNC_FLUSH };
    const all = inflateSync(this.#compressed, options);
    let at = this.#read;
    this.#read = all.byteLength;
    const next = (): string => {
      const size = all.readUInt32BE(at);
      at += 4 + size;
      return all.toString("latin1", at - size, at);
    };
    const count = all.readUInt32BE(at);
    at += 4;
    return new Map(Array.from({ length: count }, () => [next().toLowerCase(), next()]));
  }
}

/** Replies without headers: parts of one stream of compressed bytes, each a stored block, and an empty one that makes the reader look at it. */
class ReplyHeaders {
  #isFirst = true;
  next(): Buffer {
    const none = uint32(0);
    const stored = (bytes: Buffer) => [Buffer.of(0, bytes.length, 0, ~bytes.length & 0xff, 0xff), bytes];
    const block = Buffer.concat([...stored(none), ...stored(Buffer.alloc(0))]);
    const start = this.#isFirst ? Buffer.from("78bbe3c6a7c2", "hex") : Buffer.alloc(0); // zlib, with the dictionary's checksum
    this.#isFirst = false;
    return Buffer.concat([start, block]);
  }
}

function control(type: number, flags: number, payload: Uint8Array): Buffer {
  return frame(Buffer.of(0x80, 3, 0, type), 0, flags, payload);
}

function frame(start: Buffer, id: number, flags: number, payload: Uint8Array): Buffer {
  const head = Buffer.alloc(headBytes);
  start.copy(head);
  if (id !== 0) head.writeUInt32BE(id);
  head[4] = flags;
  head.writeUIntBE(payload.byteLength, 5, 3);
  return Buffer.concat([head, payload]);
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}
