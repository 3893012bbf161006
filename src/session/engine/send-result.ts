import { filesync } from "../../api/mod.ts";
import { BuildError } from "../../base/errors/mod.ts";
import { sendTree, type TreeSource } from "../../filesync/mod.ts";
import { type ClientCall, Metadata, pathOf } from "../../rpc/mod.ts";
import { encodeBytesMessage } from "../bytes-message.ts";
import type { SessionCaller } from "./session-caller.ts";

/** Whose target it goes to, and how it is told. */
export interface SendResultOptions {
  /** Position of the exporter in the build request. */
  readonly exporterIndex: number;
  readonly signal: AbortSignal;
  /** Told the bytes sent so far. */
  readonly onProgress?: ((sentBytes: number) => void) | undefined;
}

/** Largest piece: receivers written in Go take messages below 4 MiB. */
const maxChunkBytes = 1024 * 1024;

/**
 * Sends one file (a tarball) to the client.
 * @param options.metadata what the exporter says of it, for instance `containerimage.digest`
 * @returns `exists` when the client has it already and wants none of it
 */
export async function sendFile(
  caller: SessionCaller,
  bytes: AsyncIterable<Uint8Array>,
  options: SendResultOptions & { readonly metadata?: Readonly<Record<string, string>> | undefined },
): Promise<"sent" | "exists"> {
  const headers = new Metadata();
  for (const [key, value] of Object.entries(options.metadata ?? {})) headers.set(`exporter-md-${key}`, value);
  const call = await start(caller, options, headers);
  try {
    let sent = 0;
    for await (const chunk of bytes) {
      if (call.finished) break; // the status tells why
      for (let at = 0; at < chunk.byteLength; at += maxChunkBytes) {
        const piece = chunk.subarray(at, at + maxChunkBytes);
        await call.send(encodeBytesMessage([piece]));
        sent += piece.byteLength;
        options.onProgress?.(sent);
      }
    }
    await finish(call);
    return "sent";
  } catch (error) {
    call.cancel(error);
    if (error instanceof BuildError && error.code === "already_exists") return "exists";
    throw error;
  }
}

/**
 * Sends a directory tree to the client.
 * @param options.allPlatforms whether this is the whole result, so that the client may remove what is not in it
 */
export async function sendDirectory(
  caller: SessionCaller,
  source: TreeSource,
  options: SendResultOptions & { readonly allPlatforms?: boolean | undefined },
): Promise<void> {
  const headers = new Metadata(options.allPlatforms ? { "buildkit-exporter-multi-platform": "1" } : {});
  const call = await start(caller, options, headers);
  try {
    await sendTree(call, source, options);
    await finish(call);
  } catch (error) {
    call.cancel(error);
    throw error;
  }
}

async function start(caller: SessionCaller, options: SendResultOptions, headers: Metadata): Promise<ClientCall> {
  const path = pathOf(filesync.FileSend.method.diffCopy);
  if (!caller.supports(path)) throw new BuildError("unimplemented", `method ${path} not supported by the client`);
  headers.set("buildkit-attachable-exporter-id", String(options.exporterIndex));
  return await caller.channel.start(path, { headers, signal: options.signal });
}

/** Says that all is sent, and waits until the client says that all is written. */
async function finish(call: ClientCall): Promise<void> {
  call.end();
  for await (const _ of call.incoming) {
    // only its end matters
  }
}
