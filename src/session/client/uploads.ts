import { upload } from "../../api/mod.ts";
import { BuildError } from "../../base/errors/mod.ts";
import { pathOf, rawRoute } from "../../rpc/mod.ts";
import { encodeBytesMessage } from "../bytes-message.ts";
import type { Attachable } from "./attachable.ts";

/** The host of addresses that an engine asks its client for instead of the network. */
const host = "buildkit-session";

/** Largest piece: receivers written in Go take messages below 4 MiB. */
const maxPieceBytes = 1024 * 1024;

/** The address under which an engine knows the upload `id`. */
export function uploadAddress(id: string): string {
  return `http://${host}/${id}`;
}

/**
 * Offers streams of bytes that the engine asks for by address, for instance an archive on stdin.
 * @param streams by id; each is opened when the engine asks for it, and given out once
 */
export function uploads(streams: Readonly<Record<string, () => AsyncIterable<Uint8Array>>>): Attachable {
  const given = new Set<string>();
  const pull = rawRoute(pathOf(upload.Upload.method.pull), async function* (_requests, { requestHeaders, signal }) {
    const id = (requestHeaders.get("urlpath") ?? "").replace(/^\//, "");
    const open = requestHeaders.get("urlhost") === host && Object.hasOwn(streams, id) ? streams[id] : undefined;
    if (!open) throw new BuildError("not_found", `no http response from session for ${id}`);
    if (given.has(id)) throw new BuildError("failed_precondition", `upload ${id} was asked for before and is gone`);
    given.add(id);
    for await (const chunk of open()) {
      signal.throwIfAborted();
      for (let at = 0; at < chunk.byteLength; at += maxPieceBytes) {
        yield encodeBytesMessage([chunk.subarray(at, at + maxPieceBytes)]);
      }
    }
  });
  return { routes: [pull] };
}
