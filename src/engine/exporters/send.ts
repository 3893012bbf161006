import { sendFile } from "../../session/mod.ts";
import type { ExportContext } from "./exporter.ts";

/** Pieces that leave together: archives come in many small ones. */
const pieceBytes = 256 * 1024;

/**
 * Sends an archive to the client, which knows by the exporter's index where it goes. Ends when the client has all of it.
 * @param metadata what the client may want to know before the first byte, for instance `containerimage.digest`
 */
export async function sendArchive(
  bytes: AsyncIterable<Uint8Array>,
  metadata: Readonly<Record<string, string>>,
  context: ExportContext,
): Promise<void> {
  const { signal, progress, index } = context;
  const started = new Date();
  let current = 0;
  await sendFile(await context.session(), gathered(bytes), {
    exporterIndex: index,
    metadata,
    signal,
    onProgress: (sent) => {
      current = sent;
      progress.status({ id: "sending tarball", current, started });
    },
  });
  progress.status({ id: "sending tarball", current, started, completed: new Date() });
}

/** Small pieces joined. Holds one large one. */
async function* gathered(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let waiting: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of bytes) {
    waiting.push(chunk);
    size += chunk.byteLength;
    if (size < pieceBytes) continue;
    yield Buffer.concat(waiting);
    waiting = [];
    size = 0;
  }
  if (size > 0) yield Buffer.concat(waiting);
}
