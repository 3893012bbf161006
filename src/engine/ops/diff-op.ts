import { pb } from "../../api/mod.ts";
import { BuildError } from "../../base/errors/mod.ts";
import type { Ref } from "../refs/mod.ts";
import { mergeLayers, parentOf, type TocEntry, type Tree } from "../snapshots/mod.ts";
import type { Op } from "../solver/mod.ts";
import type { OpDeps } from "./deps.ts";
import type { OpEnvironment } from "./environment.ts";
import { Draft } from "./file/draft.ts";
import { commitDraft } from "./file/values.ts";
import { messageJson, opDigest } from "./op-digest.ts";

/** What was added or changed between two trees, as one layer on nothing. Differences that delete something are refused for now. */
export function diffOp<C extends OpEnvironment>(
  op: pb.DiffOp,
  options: { readonly inputs: number; readonly description: string },
  deps: Pick<OpDeps<C>, "refs">,
): Op<Ref, C> {
  const digest = opDigest({ Type: "buildkit.diff.v0", Diff: messageJson(pb.DiffOpSchema, op) });
  return {
    cacheMap: async () => ({ digest, inputs: Array.from({ length: options.inputs }, () => ({})) }),
    run: async (refs, { signal }) => {
      const lower = refs[Number(op.lower?.input ?? -1n)];
      const upper = refs[Number(op.upper?.input ?? -1n)];
      if (lower?.id === upper?.id) return { results: [deps.refs.scratch()] };
      if (!lower && upper) return { results: [upper.clone()] };
      const before = (await lower?.tree({ signal })) ?? mergeLayers([]);
      const after = (await upper?.tree({ signal })) ?? mergeLayers([]);
      const draft = planDifference(before, after, upper);
      const base = deps.refs.scratch();
      try {
        const { description } = options;
        const { ref, changed } = await commitDraft(draft, base, deps.refs, { signal, description });
        return { results: [ref], uncacheable: changed };
      } finally {
        await base.release();
      }
    },
  };
}

/** @throws {BuildError} `unimplemented` when something of `before` is gone */
export function planDifference(before: Tree, after: Tree, origin: Ref | undefined): Draft {
  for (const { path } of before.walk("")) {
    if (path !== "" && !after.get(path)) {
      throw new BuildError("unimplemented", `a diff that deletes is not supported yet: "/${path}" is gone`);
    }
  }
  const draft = new Draft(mergeLayers([]));
  const put = (entry: TocEntry) => {
    const parent = parentOf(entry.path);
    if (parent !== "" && !draft.get(parent)) put(after.get(parent) as TocEntry);
    draft.put(entry, { origin: origin && { ref: origin, entry } });
  };
  for (const entry of after.walk("")) {
    if (entry.path !== "" && !isSame(before.get(entry.path), entry)) put(entry);
  }
  return draft;
}

function isSame(a: TocEntry | undefined, b: TocEntry): boolean {
  if (!a) return false;
  const xattrs = (entry: TocEntry) =>
    Object.entries(entry.xattrs ?? {})
      .map(([name, value]) => `${name}=${Buffer.from(value).toString("base64")}`)
      .join();
  return (
    a.type === b.type &&
    a.mode === b.mode &&
    a.uid === b.uid &&
    a.gid === b.gid &&
    a.size === b.size &&
    a.digest === b.digest &&
    a.linkname === b.linkname &&
    a.devMajor === b.devMajor &&
    a.devMinor === b.devMinor &&
    a.mtimeSec === b.mtimeSec &&
    a.mtimeNsec === b.mtimeNsec &&
    xattrs(a) === xattrs(b)
  );
}
