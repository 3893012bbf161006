import { createHash, randomBytes } from "node:crypto";
import type { IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import { Duplex } from "node:stream";
import { BuildError } from "../../../base/errors/mod.ts";
import { type ApiClient, refusal } from "./api-client.ts";
import { encodeFrame, FrameReader, opcodes } from "./websocket-frames.ts";

/** Versions of the protocol in which several streams share the connection, best first; only the first can end one of them. */
const protocols = ["v5.channel.k8s.io", "v4.channel.k8s.io"] as const;
/** Which stream a message belongs to: its first byte. */
const channels = { stdin: 0, stdout: 1, stderr: 2, error: 3, close: 255 } as const;
/** Longest message that is sent: API servers take 32 KiB from each at a time. */
const pieceBytes = 32 * 1024;
/** What a handshake's answer is made of. @see RFC 6455, section 1.3 */
const handshakeKey = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/** A process to run in a pod's container. */
export interface PodCommand {
  readonly namespace: string;
  readonly pod: string;
  readonly container: string;
  readonly command: readonly string[];
}

/**
 * Runs a process in a pod; the stream is its standard input and output. What it says on standard error becomes the stream's error when it ends badly.
 * @throws {BuildError} in the API server's words
 */
export async function execInPod(
  api: ApiClient,
  { namespace, pod, container, command }: PodCommand,
  { signal }: { readonly signal: AbortSignal },
): Promise<Duplex> {
  const query = new URLSearchParams([
    ...command.map((word) => ["command", word] as [string, string]),
    ["container", container],
    ["stdin", "true"],
    ["stdout", "true"],
    ["stderr", "true"],
  ]);
  const key = randomBytes(16).toString("base64");
  const request = api.send(
    {
      method: "GET",
      path: `/api/v1/namespaces/${encodeURIComponent(namespace)}/pods/${encodeURIComponent(pod)}/exec?${query.toString()}`,
      headers: {
        connection: "Upgrade",
        upgrade: "websocket",
        "sec-websocket-version": "13",
        "sec-websocket-key": key,
        "sec-websocket-protocol": protocols.join(", "),
      },
    },
    await api.cluster.authorization(),
    signal,
  );
  const { promise, resolve, reject } = Promise.withResolvers<{
    answer: IncomingMessage;
    socket: Socket;
    head: Buffer;
  }>();
  request.once("upgrade", (answer, socket, head) => resolve({ answer, socket: socket as Socket, head }));
  request.once("response", (answer) => {
    const chunks: Buffer[] = [];
    answer.on("data", (chunk: Buffer) => chunks.push(chunk));
    answer.once("close", () => reject(refusal(answer.statusCode ?? 0, Buffer.concat(chunks).toString("utf8"))));
  });
  request.once("error", (cause) =>
    reject(
      signal.aborted
        ? signal.reason
        : new BuildError("unavailable", `cannot reach pod ${pod}: ${cause.message}`, { cause }),
    ),
  );
  request.end();
  const { answer, socket, head } = await promise;
  const accepted = createHash("sha1").update(`${key}${handshakeKey}`).digest("base64");
  const protocol = answer.headers["sec-websocket-protocol"] ?? "";
  if (
    answer.headers["sec-websocket-accept"] !== accepted ||
    !protocols.includes(protocol as (typeof protocols)[number])
  ) {
    socket.destroy();
    throw new BuildError("unavailable", `the Kubernetes API server does not speak ${protocols.join(" or ")}`);
  }
  return new ExecStream(socket, head, {
    name: `${command.join(" ")} in pod ${pod}`,
    endsInput: protocol === protocols[0],
  });
}

class ExecStream extends Duplex {
  readonly #socket: Socket;
  readonly #reader = new FrameReader();
  readonly #name: string;
  readonly #endsInput: boolean;
  #said = "";
  #outcome: Error | undefined;

  constructor(
    socket: Socket,
    head: Buffer,
    { name, endsInput }: { readonly name: string; readonly endsInput: boolean },
  ) {
    super({ allowHalfOpen: true });
    this.#socket = socket;
    this.#name = name;
    this.#endsInput = endsInput;
    socket.setNoDelay(true);
    socket.on("data", (chunk: Buffer) => this.#take(chunk));
    socket.once("error", (error) => this.destroy(error));
    socket.once("close", () => this.#finish());
    if (head.byteLength > 0) this.#take(head);
  }

  override _read(): void {
    this.#socket.resume();
  }

  override _write(chunk: Buffer, _encoding: string, done: (error?: Error | null) => void): void {
    const frames: Buffer[] = [];
    for (let at = 0; at < chunk.byteLength; at += pieceBytes) {
      frames.push(this.#message(channels.stdin, chunk.subarray(at, at + pieceBytes)));
    }
    if (this.#socket.write(Buffer.concat(frames))) done();
    else this.#socket.once("drain", () => done());
  }

  override _final(done: (error?: Error | null) => void): void {
    // The older version cannot say that there is no more input: its process ends with the connection.
    if (this.#endsInput) this.#socket.write(this.#message(channels.close, Uint8Array.of(channels.stdin)));
    else this.#socket.write(encodeFrame(opcodes.close, Uint8Array.of(0x03, 0xe8)));
    done();
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#socket.destroy();
    done(error);
  }

  #message(channel: number, payload: Uint8Array): Buffer {
    const message = Buffer.allocUnsafe(1 + payload.byteLength);
    message[0] = channel;
    message.set(payload, 1);
    return encodeFrame(opcodes.binary, message);
  }

  #take(chunk: Buffer): void {
    try {
      for (const { opcode, payload } of this.#reader.push(chunk)) {
        if (opcode === opcodes.ping) this.#socket.write(encodeFrame(opcodes.pong, payload));
        else if (opcode === opcodes.close) this.#socket.end(encodeFrame(opcodes.close, payload.subarray(0, 2)));
        else if (opcode !== opcodes.pong) this.#deliver(payload);
      }
    } catch (error) {
      this.destroy(error as Error);
    }
  }

  /** A message begins with its channel; messages are never cut into frames by API servers. */
  #deliver(payload: Buffer): void {
    const [channel] = payload;
    const data = payload.subarray(1);
    if (channel === channels.stdout) {
      if (data.byteLength > 0 && !this.push(data)) this.#socket.pause();
    } else if (channel === channels.stderr) this.#said = (this.#said + data.toString("utf8")).slice(-4096);
    else if (channel === channels.error) this.#outcome = outcomeOf(data, this.#name, this.#said);
  }

  #finish(): void {
    if (this.#outcome) this.destroy(this.#outcome);
    else this.push(null);
  }
}

/** What the error channel says of the process's end; `undefined` when it was a good one. */
function outcomeOf(data: Buffer, name: string, said: string): BuildError | undefined {
  let status: { status?: string; message?: string };
  try {
    status = JSON.parse(data.toString("utf8")) as typeof status;
  } catch {
    status = { message: data.toString("utf8") };
  }
  if (status.status === "Success") return undefined;
  return new BuildError("unavailable", `${name}: ${said.trim() || status.message || "ended"}`);
}
