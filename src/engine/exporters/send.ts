import { filesync } from "../../api/mod.ts";
import { BuildError } from "../../base/errors/mod.ts";
import type { ExportContext } from "./exporter.ts";

/** Largest piece of a stream to a client: Go's receivers take messages below 4 MiB. */
const pieceBytes = 1024 * 1024;

/**
 * Sends one file to the client, which knows by the exporter's index where it goes. Ends when the client has all of it.
 * @param metadata what the client may want to know before the first byte, for instance `containerimage.digest`
 */
export async function sendFile(
  bytes: AsyncIterable<Uint8Array>,
  metadata: Readonly<Record<string, string>>,
  context: ExportContext,
): Promise<void> {
  const { signal, progress, index } = context;
  const caller = await context.session();
  const method = "/moby.filesync.v1.FileSend/DiffCopy";
  if (!caller.supports(method)) throw new BuildError("unimplemented", `method ${method} not supported by the client`);
  const started = new Date();
  let current = 0;
  async function* messages() {
    for await (const data of regroup(bytes)) {
      current += data.byteLength;
      progress.status({ id: "sending tarball", current, started });
      yield { data: data as Uint8Array<ArrayBuffer> };
    }
  }
  const headers = {
    "buildkit-attachable-exporter-id": String(index),
    ...Object.fromEntries(Object.entries(metadata).map(([key, value]) => [`exporter-md-${key.toLowerCase()}`, value])),
  };
  for await (const _ of caller.client(filesync.FileSend).diffCopy(messages(), { signal, headers })) {
    // The client says nothing; its end of the stream says that all is written.
  }
  progress.status({ id: "sending tarball", current, started, completed: new Date() });
}

/** Small pieces joined, large ones cut. Holds one piece. */
async function* regroup(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let waiting: Uint8Array[] = [];
  let size = 0;
  for await (let chunk of bytes) {
    while (size + chunk.byteLength >= pieceBytes) {
      const cut = pieceBytes - size;
      yield Buffer.concat([...waiting, chunk.subarray(0, cut)]);
      chunk = chunk.subarray(cut);
      waiting = [];
      size = 0;
    }
    if (chunk.byteLength > 0) {
      waiting.push(chunk);
      size += chunk.byteLength;
    }
  }
  if (size > 0) yield Buffer.concat(waiting);
}
