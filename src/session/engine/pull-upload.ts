import { upload } from "../../api/mod.ts";
import { BuildError } from "../../base/errors/mod.ts";
import { Metadata, pathOf } from "../../rpc/mod.ts";
import { decodeBytesMessage } from "../bytes-message.ts";
import type { SessionCaller } from "./session-caller.ts";

/**
 * Bytes that the client offers under an address of the host `buildkit-session`. Each may be asked for once; what was not read is not sent.
 * @throws {BuildError} `not_found` when the client offers nothing there; `failed_precondition` when it offers no uploads at all
 */
export async function* pullUpload(
  caller: SessionCaller,
  address: URL,
  options: { readonly signal: AbortSignal },
): AsyncGenerator<Uint8Array> {
  const path = pathOf(upload.Upload.method.pull);
  if (!caller.supports(path)) throw new BuildError("failed_precondition", "the client of this build offers no uploads");
  const headers = new Metadata({ urlpath: address.pathname, urlhost: address.host });
  const call = await caller.channel.start(path, { headers, signal: options.signal });
  try {
    call.end();
    for await (const message of call.incoming) yield decodeBytesMessage(message);
  } finally {
    if (!call.finished) call.cancel(new BuildError("canceled", "not all of the upload was wanted"));
  }
}
