import { messageJson } from "../../base/protobuf/mod.ts";
import { pb } from "../../api/mod.ts";
import type { Ref } from "../refs/mod.ts";
import { LinkGroups, mergeLayers, type TocEntry, type Tree } from "../snapshots/mod.ts";
import type { Op } from "../solver/mod.ts";
import type { OpDeps } from "./deps.ts";
import type { OpEnvironment } from "./environment.ts";
import { Draft } from "./file/draft.ts";
import { commitDraft } from "./file/values.ts";
import { opDigest } from "./op-digest.ts";

/**
 * What leads from one tree to another, deletions included. Where the second stands on the first that is simply the layers in between;
 * else the two tables are compared, and the difference is written as one layer on nothing.
 */
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
      const between = lower && upper && deps.refs.above(upper, lower);
      if (between) return { results: [between] };
      const before = (await lower?.tree({ signal })) ?? mergeLayers([]);
      const after = (await upper?.tree({ signal })) ?? mergeLayers([]);
      const rewritten = await rewrittenPaths(before, after, { lower, upper, signal });
      const draft = planDifference(before, after, { origin: upper, rewritten });
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

/** Files that differ in their bytes alone, among those whose tables do not tell: what processes wrote is hashed only when somebody needs it. */
async function rewrittenPaths(
  before: Tree,
  after: Tree,
  { lower, upper, signal }: { lower: Ref | undefined; upper: Ref | undefined; signal: AbortSignal },
): Promise<ReadonlySet<string>> {
  const pairs: (readonly [TocEntry, TocEntry])[] = [];
  for (const entry of after.walk("")) {
    const there = before.get(entry.path);
    if (entry.type !== "file" || !there || there === entry || !isSame(there, entry)) continue;
    if (!entry.digest || !there.digest) pairs.push([there, entry]);
  }
  if (pairs.length === 0) return new Set();
  const [old, fresh] = await Promise.all([
    lower?.digests(
      pairs.map(([there]) => there),
      { signal },
    ),
    upper?.digests(
      pairs.map(([, entry]) => entry),
      { signal },
    ),
  ]);
  return new Set(pairs.filter((_, at) => old?.[at] !== fresh?.[at]).map(([{ path }]) => path));
}

/**
 * `before`, changed into `after`.
 * @param options.origin where the bytes of `after` come from
 * @param options.rewritten files whose bytes changed though their entries do not tell
 */
export function planDifference(
  before: Tree,
  after: Tree,
  { origin, rewritten }: { readonly origin: Ref | undefined; readonly rewritten: ReadonlySet<string> },
): Draft {
  const draft = new Draft(before);
  for (const { path } of before.walk("")) {
    if (path !== "" && draft.get(path) && !after.get(path)) draft.remove(path);
  }
  const links = new LinkGroups(after, after.walk(""));
  for (const entry of after.walk("")) {
    if (entry.path === "" || (isSame(before.get(entry.path), entry) && !rewritten.has(entry.path))) continue;
    draft.put(entry, { origin: origin && { ref: origin, entry }, link: links.of(entry) });
  }
  return draft;
}

/** Whether two entries tell of no difference. */
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
    (a.digest === b.digest || !a.digest || !b.digest) &&
    a.linkname === b.linkname &&
    a.devMajor === b.devMajor &&
    a.devMinor === b.devMinor &&
    a.mtimeSec === b.mtimeSec &&
    a.mtimeNsec === b.mtimeNsec &&
    xattrs(a) === xattrs(b)
  );
}
