import { filesync } from "../../api/mod.ts";
import { BuildError } from "../../base/errors/mod.ts";
import { type FileStat, receiveTree } from "../../filesync/mod.ts";
import { type HandlerContext, type Metadata, pathOf, type Route, type ServedStream } from "../../rpc/mod.ts";
import { decodeBytesMessage } from "../bytes-message.ts";
import type { Attachable } from "./attachable.ts";

/** Where a file that the engine sends goes. */
export interface FileTarget {
  readonly type: "file";
  /**
   * Called once for each file that arrives, with what the exporter says of it (`containerimage.digest`, …). `undefined` declines: the target exists
   * already.
   */
  open(metadata: Readonly<Record<string, string>>): Promise<FileSink | undefined>;
}

/** Takes the bytes of one file; either {@link FileSink.close} or {@link FileSink.abort} is called in the end. */
export interface FileSink {
  write(bytes: Uint8Array): Promise<void>;
  /** All bytes have arrived. */
  close(): Promise<void>;
  /** The file will not be complete. */
  abort(): Promise<void>;
}

/** Where a tree that the engine sends goes. Files become this user's. */
export interface DirectoryTarget {
  readonly type: "directory";
  readonly path: string;
  /** `copy` merges into what is there, `delete` removes what is not sent. */
  readonly mode: "copy" | "delete";
}

/** Where a result that the engine sends goes. */
export type SendTarget = FileTarget | DirectoryTarget;

const exporterIdKey = "buildkit-attachable-exporter-id";
const metadataPrefix = "exporter-md-";
const multiPlatformKey = "buildkit-exporter-multi-platform";

/**
 * Takes what exporters send to their client.
 * @param targets by position of the exporter in the build request
 */
export function fileSend(targets: ReadonlyMap<number, SendTarget> | readonly (SendTarget | undefined)[]): Attachable {
  const targetOf = (index: number) =>
    targets instanceof Map ? targets.get(index) : (targets as readonly SendTarget[])[index];
  const route: Route = {
    path: pathOf(filesync.FileSend.method.diffCopy),
    run: async (stream, context) => {
      const index = exporterIndex(context.requestHeaders);
      const target = targetOf(index);
      if (!target) throw new BuildError("not_found", `exporter ${index} not found`);
      stream.sendHeaders();
      if (target.type === "file") await receiveFile(stream, target, context);
      else await receiveDirectory(stream, target, context);
    },
  };
  return { routes: [route] };
}

/** Absent or not a number means the first one, as for engines that know of one exporter only. */
function exporterIndex(headers: Metadata): number {
  const text = headers.get(exporterIdKey) ?? "";
  return /^\d{1,9}$/.test(text) ? Number(text) : 0;
}

async function receiveFile(stream: ServedStream, target: FileTarget, context: HandlerContext): Promise<void> {
  const sink = await target.open(exporterMetadata(context.requestHeaders));
  if (!sink) throw new BuildError("already_exists", "target already exists");
  try {
    for await (const message of stream.incoming) {
      context.signal.throwIfAborted();
      const data = decodeBytesMessage(message);
      if (data.byteLength > 0) await sink.write(data);
    }
    context.signal.throwIfAborted();
  } catch (error) {
    await sink.abort();
    throw error;
  }
  await sink.close();
}

/** What the exporter says of its result: headers with the prefix, repeated values joined. */
function exporterMetadata(headers: Metadata): Record<string, string> {
  const metadata: Record<string, string> = {};
  for (const [key] of headers) {
    if (key.startsWith(metadataPrefix)) metadata[key.slice(metadataPrefix.length)] = headers.getAll(key).join(",");
  }
  return metadata;
}

async function receiveDirectory(stream: ServedStream, target: DirectoryTarget, context: HandlerContext): Promise<void> {
  if (target.mode === "delete" && context.requestHeaders.get(multiPlatformKey) !== "1") {
    throw new BuildError(
      "failed_precondition",
      "local exporter mode=delete requires a BuildKit daemon with multi-platform local export support",
    );
  }
  const owner = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
  await receiveTree(stream, target.path, {
    signal: context.signal,
    mode: target.mode === "delete" ? "replace" : "merge",
    map: (entry: FileStat) => ({ ...entry, ...owner }),
  });
}
