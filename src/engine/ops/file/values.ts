import { Pace } from "../../../base/async/mod.ts";
import type { Ref, RefStore } from "../../refs/mod.ts";
import type { LayerToc, TocEntry, Tree } from "../../snapshots/mod.ts";
import { Draft, type Origin } from "./draft.ts";

/** What an action of a file op reads or makes: a finished tree, or one that the next action goes on with. */
export type Value =
  | { readonly type: "ref"; readonly ref: Ref; readonly tree: Tree }
  | { readonly type: "draft"; readonly base: Ref; readonly tree: Draft };

/** Where the bytes of `entry` of that value come from, where the entry does not say it itself. */
export function originIn(value: Value, entry: TocEntry): Origin | undefined {
  if (entry.content) return undefined;
  if (value.type === "ref") return { ref: value.ref, entry };
  return value.tree.originOf(entry.path) ?? { ref: value.base, entry };
}

/** The same entry with its content, unpacked for the purpose where need be. */
export async function locateIn(value: Value, entry: TocEntry, signal: AbortSignal): Promise<TocEntry> {
  const origin = originIn(value, entry);
  if (entry.content || !origin) return entry;
  const [located] = await origin.ref.locate([origin.entry], { signal });
  return located?.content ? { ...entry, content: located.content } : entry;
}

/** Writes a draft as a layer on its base. `changed`: a file was no longer what the tables said of it. */
export async function commitDraft(
  draft: Draft,
  base: Ref,
  refs: RefStore,
  options: { readonly signal: AbortSignal; readonly description: string },
): Promise<{ readonly ref: Ref; readonly changed: boolean }> {
  const pace = new Pace(options.signal);
  const planned = draft.plan();
  if (pace.isDue) await pace.rest();
  const plan = await locateAll(planned, draft, options.signal);
  if (pace.isDue) await pace.rest();
  const { ref, changed } = await refs.writeLayer(base, plan, options);
  return { ref, changed: changed.length > 0 };
}

/** Asks each ref once for all that is missing of its files' contents. */
async function locateAll(plan: LayerToc, draft: Draft, signal: AbortSignal): Promise<LayerToc> {
  const wanted = new Map<Ref, { readonly at: number; readonly entry: TocEntry }[]>();
  for (const [at, entry] of plan.entries.entries()) {
    if (entry.type !== "file" || entry.content) continue;
    const origin = draft.originOf(entry.path);
    if (!origin) throw new Error(`Internal error: nobody knows where the bytes of "/${entry.path}" come from`);
    const list = wanted.get(origin.ref);
    if (list) list.push({ at, entry: origin.entry });
    else wanted.set(origin.ref, [{ at, entry: origin.entry }]);
  }
  if (wanted.size === 0) return plan;
  const entries = [...plan.entries];
  for (const [ref, list] of wanted) {
    const located = await ref.locate(
      list.map(({ entry }) => entry),
      { signal },
    );
    for (const [which, { at }] of list.entries()) {
      const planned = entries[at] as TocEntry;
      const found = located[which];
      if (found?.content) entries[at] = { ...planned, content: found.content };
    }
  }
  return { ...plan, entries };
}
