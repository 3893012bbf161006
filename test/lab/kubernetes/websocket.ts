import { createHash } from "node:crypto";
import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import type { PodProcess, PodStreams } from "./pod-process.ts";

const handshakeKey = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
const opcodes = { binary: 2, close: 8 } as const;
/** Which stream a message belongs to: its first byte. */
const channels = { stdin: 0, stdout: 1, stderr: 2, error: 3, close: 255 } as const;

/** Carries the streams of a process in a pod over a WebSocket, as API servers do it for newer clients. */
export function serveWebSocket(
  request: IncomingMessage,
  socket: Duplex,
  head: Buffer,
  start: (streams: PodStreams) => PodProcess,
): void {
  const accept = createHash("sha1").update(`${request.headers["sec-websocket-key"]}${handshakeKey}`).digest("base64");
  socket.write(
    `HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: Upgrade\r\nsec-websocket-accept: ${accept}\r\nsec-websocket-protocol: v5.channel.k8s.io\r\n\r\n`,
  );
  const send = (channel: number, data: Uint8Array) =>
    socket.write(serverFrame(Buffer.concat([Buffer.of(channel), data])));
  const process = start({
    stdout: (bytes) => send(channels.stdout, bytes),
    stderr: (bytes) => void send(channels.stderr, bytes),
    end: (failure) => {
      send(channels.error, Buffer.from(JSON.stringify(failure ?? { status: "Success" })));
      socket.end(Buffer.of(0x88, 0x02, 0x03, 0xe8));
    },
  });
  let rest = head;
  const take = (chunk: Buffer): void => {
    rest = Buffer.concat([rest, chunk]);
    for (let frame = clientFrame(rest); frame; frame = clientFrame(rest)) {
      rest = rest.subarray(frame.size);
      const [channel, ...closed] = frame.opcode === opcodes.binary ? frame.payload : [];
      if (channel === channels.stdin) process.stdin(frame.payload.subarray(1));
      else if (channel === channels.close && closed[0] === channels.stdin) process.endStdin();
      else if (frame.opcode === opcodes.close) process.kill();
    }
  };
  socket.on("data", take);
  socket.on("drain", () => process.resume());
  socket.once("error", () => process.kill());
  socket.once("close", () => process.kill());
  take(Buffer.alloc(0));
}

function serverFrame(payload: Buffer): Buffer {
  const size = payload.byteLength;
  const head = size < 126 ? Buffer.of(0x82, size) : Buffer.alloc(10);
  if (size >= 126) {
    head[0] = 0x82;
    head[1] = 127;
    head.writeBigUInt64BE(BigInt(size), 2);
  }
  return Buffer.concat([head, payload]);
}

function clientFrame(bytes: Buffer): { opcode: number; payload: Buffer; size: number } | undefined {
  if (bytes.byteLength < 2) return undefined;
  const short = (bytes[1] ?? 0) & 0x7f;
  const start = short === 126 ? 4 : short === 127 ? 10 : 2;
  if (bytes.byteLength < start + 4) return undefined;
  const length = short === 126 ? bytes.readUInt16BE(2) : short === 127 ? Number(bytes.readBigUInt64BE(2)) : short;
  const size = start + 4 + length;
  if (bytes.byteLength < size) return undefined;
  const mask = bytes.subarray(start, start + 4);
  const payload = Buffer.from(bytes.subarray(start + 4, size).map((byte, at) => byte ^ (mask[at & 3] ?? 0)));
  return { opcode: (bytes[0] ?? 0) & 0x0f, payload, size };
}
