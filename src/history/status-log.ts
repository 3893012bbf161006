import { fromBinary } from "@bufbuild/protobuf";
import { control } from "../api/mod.ts";
import { BuildError } from "../base/errors/mod.ts";
import type { CallControl, StatusResponse } from "../client/mod.ts";
import type { BuildRecord } from "./build-record.ts";

/** Longest message that is taken: what a connection carries at the most. */
const longestMessage = 16 * 1024 * 1024;

/**
 * Everything that an ended build told while it ran, message by message: each stands behind its length, 4 bytes, the lowest first.
 * @throws {BuildError} `data_loss` when the log is cut off
 */
export async function* statusLog(
  { node, wire, ref }: BuildRecord,
  options: CallControl,
): AsyncGenerator<StatusResponse> {
  if (!wire.logs) return;
  let rest = Buffer.alloc(0);
  for await (const chunk of node.client.readBlob(wire.logs.digest, options)) {
    rest = rest.byteLength === 0 ? Buffer.from(chunk) : Buffer.concat([rest, chunk]);
    let at = 0;
    while (rest.byteLength - at >= 4) {
      const length = rest.readUInt32LE(at);
      if (length > longestMessage) throw broken(ref);
      if (rest.byteLength - at - 4 < length) break;
      yield fromBinary(control.StatusResponseSchema, rest.subarray(at + 4, at + 4 + length));
      at += 4 + length;
    }
    rest = rest.subarray(at);
  }
  if (rest.byteLength > 0) throw broken(ref);
}

function broken(ref: string): BuildError {
  return new BuildError("data_loss", `the log of build ${ref} is damaged`);
}
