import { messageJson } from "../../base/protobuf/mod.ts";
import { pb } from "../../api/mod.ts";
import type { Ref } from "../refs/mod.ts";
import type { Op } from "../solver/mod.ts";
import { opDigest } from "./op-digest.ts";

/** Gives some of its inputs again, under a vertex of its own. */
export function passthroughOp<C>(op: pb.PassthroughOp, inputs: number): Op<Ref, C> {
  const digest = opDigest({ Type: "buildkit.passthrough.v0", Passthrough: messageJson(pb.PassthroughOpSchema, op) });
  return {
    cacheMap: async () => ({ digest, inputs: Array.from({ length: inputs }, () => ({})) }),
    run: async (refs) => ({
      results: op.outputs.map((output) => {
        const ref = refs[Number(output)];
        if (!ref) throw new Error(`Internal error: passthrough of input ${output} of ${refs.length}`);
        return ref.clone();
      }),
    }),
  };
}
