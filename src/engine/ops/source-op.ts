import type { pb } from "../../api/mod.ts";
import { BuildError } from "../../base/errors/mod.ts";
import { type Digest, digestOf, type Platform } from "../../oci/mod.ts";
import type { Ref } from "../refs/mod.ts";
import type { Op } from "../solver/mod.ts";
import type { OpEnvironment } from "./environment.ts";
import type { Source } from "./source.ts";

/** Hands a SourceOp to the source of its scheme. @throws {BuildError} `unimplemented` when there is none */
export function sourceOp<C extends OpEnvironment>(
  op: pb.SourceOp,
  { vertex, platform }: { readonly vertex: Digest; readonly platform: Platform },
  sources: readonly Source<C>[],
): Op<Ref, C> {
  const scheme = op.identifier.slice(0, Math.max(0, op.identifier.indexOf("://")));
  const source = sources.find((candidate) => candidate.scheme === scheme);
  if (!source) {
    const known = sources.map((candidate) => candidate.scheme).join(", ");
    throw new BuildError("unimplemented", `unsupported source "${op.identifier}": this engine knows ${known}`);
  }
  const instance = source.open(op, { platform });
  return {
    cacheMap: async (context) => {
      const { key, volatile = false, material } = await instance.cacheMap(context);
      context.environment.noteMaterial?.(vertex, material);
      return { digest: digestOf(`buildkit.source.v0:${key}`), inputs: [], ...(volatile && { volatile }) };
    },
    run: async (_inputs, context) => ({ results: [await instance.run(context)] }),
    elsewhere: source.elsewhere ?? false,
  };
}
