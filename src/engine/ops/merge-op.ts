import { messageJson } from "../../base/protobuf/mod.ts";
import { pb } from "../../api/mod.ts";
import type { Ref } from "../refs/mod.ts";
import type { Op } from "../solver/mod.ts";
import type { OpDeps } from "./deps.ts";
import type { OpEnvironment } from "./environment.ts";
import { opDigest } from "./op-digest.ts";

/** Stacks the layers of its inputs, later ones on top. Touches no file. */
export function mergeOp<C extends OpEnvironment>(
  op: pb.MergeOp,
  inputs: number,
  deps: Pick<OpDeps<C>, "refs">,
): Op<Ref, C> {
  const digest = opDigest({ Type: "buildkit.merge.v0", Merge: messageJson(pb.MergeOpSchema, op) });
  const order = op.inputs.map(({ input }) => Number(input)).filter((input) => input >= 0);
  return {
    cacheMap: async () => ({ digest, inputs: Array.from({ length: inputs }, () => ({})) }),
    run: async (refs) => ({ results: [deps.refs.stack(order.flatMap((at) => refs[at] ?? []))] }),
  };
}
