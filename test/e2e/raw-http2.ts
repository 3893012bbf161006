import { createConnection, type Socket } from "node:net";

/** Types of frames. */
export const frames = { data: 0, headers: 1, reset: 3, settings: 4, ping: 6, window: 8, continuation: 9 } as const;
/** Flags of frames. */
export const flags = { ack: 1, endStream: 1, endHeaders: 4 } as const;

/** One frame of HTTP/2, whatever it says. */
export function frame(type: number, flag: number, stream: number, payload: Uint8Array = new Uint8Array()): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.byteLength, 0, 3);
  head[3] = type;
  head[4] = flag;
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

/** A header of HPACK, literal and not remembered. */
export function header(name: string, value: string): Buffer {
  return Buffer.concat([Buffer.from([0]), hpackText(name), hpackText(value)]);
}

/** The headers of a gRPC call. */
export function callHeaders(path: string): Buffer {
  const fields = {
    ":method": "POST",
    ":scheme": "http",
    ":path": path,
    ":authority": "localhost",
    "content-type": "application/grpc",
    te: "trailers",
  };
  return Buffer.concat(Object.entries(fields).map(([name, value]) => header(name, value)));
}

/** Setting `id` of HTTP/2 as a payload. */
export function setting(id: number, value: number): Buffer {
  const bytes = Buffer.alloc(6);
  bytes.writeUInt16BE(id);
  bytes.writeUInt32BE(value, 2);
  return bytes;
}

/** A peer that says what it likes on a unix socket, and reads only when told to. Disposing of it hangs up. */
export interface RawPeer extends Disposable {
  readonly socket: Socket;
  /** Sends, as fast as the other end takes it, until it is all sent or the other end has hung up; then it is `false`. */
  send(...bytes: readonly Uint8Array[]): Promise<boolean>;
  /** Drops what comes, until the other end hangs up. */
  readonly closed: Promise<void>;
}

/** Connects, sends HTTP/2's preface and `settings`. */
export async function rawPeer(path: string, settings: Uint8Array = new Uint8Array()): Promise<RawPeer> {
  const socket = await connected(path);
  const closed = new Promise<void>((done) => socket.once("close", () => done()));
  const send = async (...bytes: readonly Uint8Array[]): Promise<boolean> => {
    if (socket.destroyed) return false;
    if (socket.write(Buffer.concat(bytes))) return true;
    await Promise.race([new Promise((done) => socket.once("drain", done)), closed]);
    return !socket.destroyed;
  };
  await send(Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), frame(frames.settings, 0, 0, settings));
  return { socket, send, closed, [Symbol.dispose]: () => void socket.destroy() };
}

/** A connection; where too many wait to be accepted, it waits, too. */
async function connected(path: string): Promise<Socket> {
  for (;;) {
    const socket = createConnection({ path });
    const failure = await new Promise<NodeJS.ErrnoException | undefined>((done) => {
      socket.once("connect", () => done(undefined));
      socket.on("error", done); // later ones say nothing: being hung up on is what these peers are for
    });
    if (!failure) return socket;
    if (failure.code !== "EAGAIN") throw failure;
    await new Promise((done) => setTimeout(done, 20));
  }
}

function hpackText(text: string): Buffer {
  const bytes = Buffer.from(text);
  const length: number[] = [];
  if (bytes.length < 127) length.push(bytes.length);
  else {
    length.push(127);
    let rest = bytes.length - 127;
    for (; rest >= 128; rest = Math.floor(rest / 128)) length.push((rest % 128) + 128);
    length.push(rest);
  }
  return Buffer.concat([Buffer.from(length), bytes]);
}
