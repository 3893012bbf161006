import { fromBinary, messageJson } from "../../base/protobuf/mod.ts";
import { pb } from "../../api/mod.ts";
import { BuildError, messageOf } from "../../base/errors/mod.ts";
import type { Ref } from "../refs/mod.ts";
import type { Op } from "../solver/mod.ts";
import type { OpDeps } from "./deps.ts";
import type { OpEnvironment } from "./environment.ts";
import { readSmallFile } from "./file/read-file.ts";
import { statPath } from "./file/tree-path.ts";
import { opDigest } from "./op-digest.ts";

/** The input that holds the definition, and the file in it. */
const definitionInput = "buildkit.llb.definition";
const fileNameAttribute = "llbbuild.filename";
const definitionLimitBytes = 64 * 1024 * 1024;

/** Builds a definition that an earlier step wrote into a file. */
export function buildOp<C extends OpEnvironment>(
  op: pb.BuildOp,
  inputs: number,
  deps: Pick<OpDeps<C>, "refs">,
): Op<Ref, C> {
  const digest = opDigest({ Type: "buildkit.build.v0", Exec: messageJson(pb.BuildOpSchema, op) });
  return {
    cacheMap: async () => ({ digest, inputs: Array.from({ length: inputs }, () => ({})) }),
    run: async (refs, { environment, signal }) => {
      if (op.builder !== -1n) throw new BuildError("invalid_argument", "only LLB builder is currently allowed");
      if (!environment.solve) throw new BuildError("unimplemented", "nested builds are not possible here");
      const input = op.inputs[definitionInput];
      const ref = input && refs[Number(input.input)];
      if (!ref) throw new BuildError("invalid_argument", `no ${definitionInput} input for build op`);
      const definition = await readDefinition(ref, op.attrs[fileNameAttribute] ?? definitionInput, signal);
      return { results: [(await environment.solve(definition, { signal })) ?? deps.refs.scratch()] };
    },
  };
}

async function readDefinition(ref: Ref, path: string, signal: AbortSignal): Promise<pb.Definition> {
  const entry = statPath(await ref.tree({ signal }), path);
  if (entry?.type !== "file") throw new BuildError("not_found", `failed to open definition ${path}: no such file`);
  const [located = entry] = await ref.locate([entry], { signal });
  try {
    return fromBinary(pb.DefinitionSchema, await readSmallFile(located, definitionLimitBytes));
  } catch (error) {
    if (error instanceof BuildError) throw error;
    throw new BuildError("invalid_argument", `failed to parse definition ${path}: ${messageOf(error)}`, {
      cause: error,
    });
  }
}
