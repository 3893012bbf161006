import { pb } from "../../../api/mod.ts";
import { BuildError } from "../../../base/errors/mod.ts";
import type { Ref } from "../../refs/mod.ts";
import { type CacheMap, FailedRun, type Op, type OpContext } from "../../solver/mod.ts";
import { mergeLayers, type TocEntry } from "../../snapshots/mod.ts";
import type { OpDeps } from "../deps.ts";
import type { OpEnvironment } from "../environment.ts";
import { ActionUses, ownerOf } from "./action-uses.ts";
import { doAction } from "./actions.ts";
import { Draft } from "./draft.ts";
import { fileCacheMap } from "./file-cache-map.ts";
import { lookUpOwner } from "./owner.ts";
import { readSmallFile } from "./read-file.ts";
import { statPath } from "./tree-path.ts";
import { commitDraft, locateIn, type Value } from "./values.ts";

/** Larger user databases are not read. */
const userFileLimitBytes = 10 * 1024 * 1024;

/**
 * Makes directories and files, copies, removes. Everything is decided on tables of contents; then the new layer is packed straight from
 * where the bytes are. No tree is mounted, and none unpacked unless its files' bytes are wanted.
 */
export function fileOp<C extends OpEnvironment>(
  op: pb.FileOp,
  options: { readonly inputs: number; readonly description: string },
  deps: OpDeps<C>,
): Op<Ref, C> {
  checkOutputs(op);
  return {
    cacheMap: async (): Promise<CacheMap<Ref, C>> => fileCacheMap(op, options.inputs),
    run: async (inputs, context) => {
      await using run = new FileRun(op, inputs, options.description, deps, context);
      return await run.results();
    },
  };
}

function checkOutputs({ actions }: pb.FileOp): void {
  const outputs = actions.map((action) => Number(action.output)).filter((output) => output !== -1);
  if (outputs.length === 0) throw new BuildError("invalid_argument", "no outputs specified");
  const distinct = new Set<number>();
  for (const output of outputs) {
    if (distinct.has(output)) throw new BuildError("invalid_argument", `duplicate output ${output}`);
    distinct.add(output);
  }
  for (const at of outputs.keys()) {
    if (!distinct.has(at)) throw new BuildError("invalid_argument", `missing output index ${at}`);
  }
}

/** One run of a file op. Values are numbered as in LLB: the inputs, then the results of the actions; -1 is the empty tree. */
class FileRun<C extends OpEnvironment> implements AsyncDisposable {
  readonly #actions: readonly pb.FileAction[];
  readonly #inputs: readonly Ref[];
  readonly #description: string;
  readonly #deps: OpDeps<C>;
  readonly #context: OpContext<C>;
  readonly #now: Date;
  readonly #cleanup = new AsyncDisposableStack();
  readonly #values = new Map<number, Promise<Value>>();
  readonly #uses: ActionUses;
  #changed = false;

  constructor(op: pb.FileOp, inputs: readonly Ref[], description: string, deps: OpDeps<C>, context: OpContext<C>) {
    this.#actions = op.actions;
    this.#inputs = inputs;
    this.#description = description;
    this.#deps = deps;
    this.#context = context;
    this.#now = deps.now();
    this.#uses = new ActionUses(op.actions, inputs.length);
  }

  async results(): Promise<{ readonly results: readonly Ref[]; readonly uncacheable: boolean }> {
    const results: Ref[] = [];
    for (const index of this.#uses.outputs) {
      const value = await this.#value(index).catch((error: unknown) => {
        throw this.#failed(error, index - this.#inputs.length);
      });
      if (value.type === "draft") throw new Error("Internal error: an output was not committed");
      results.push(value.ref);
    }
    return { results: results.map((ref) => ref.clone()), uncacheable: this.#changed };
  }

  /** The error of an action, with what the actions worked on. */
  #failed(error: unknown, action: number): unknown {
    if (this.#context.signal.aborted) return error;
    const inputs = this.#inputs.map((input) => input.clone());
    return new FailedRun<Ref>(error, { inputs, mounts: this.#actions.map(() => undefined), action });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#cleanup.disposeAsync();
  }

  async #value(index: number): Promise<Value> {
    let value = this.#values.get(index);
    if (!value) this.#values.set(index, (value = this.#make(index)));
    return await value;
  }

  async #make(index: number): Promise<Value> {
    const { signal } = this.#context;
    signal.throwIfAborted();
    const input = this.#inputs[index];
    if (input) return { type: "ref", ref: input, tree: await input.tree({ signal }) };
    const action = this.#actions[index - this.#inputs.length];
    if (index < 0 || !action) return this.#scratch();

    const source = await this.#value(Number(action.secondaryInput));
    const owner = await lookUpOwner(ownerOf(action), (at, path) => this.#readText(at, path));
    const before = await this.#value(Number(action.input));
    const base = before.type === "draft" ? before.base : before.ref;
    const draft = before.type === "draft" ? before.tree : new Draft(before.tree);
    const { bytes, runRoot } = this.#deps;
    await doAction(action, {
      draft,
      source,
      owner,
      now: this.#now,
      signal,
      deps: { bytes, runRoot },
      cleanup: this.#cleanup,
    });
    return this.#uses.isShared(index) ? await this.#commit(draft, base) : { type: "draft", base, tree: draft };
  }

  #scratch(): Value {
    const ref = this.#deps.refs.scratch();
    this.#cleanup.defer(() => ref.release());
    return { type: "ref", ref, tree: mergeLayers([]) };
  }

  async #commit(draft: Draft, base: Ref): Promise<Value> {
    const { signal } = this.#context;
    const { ref, changed } = await commitDraft(draft, base, this.#deps.refs, {
      signal,
      description: this.#description,
    });
    this.#cleanup.defer(() => ref.release());
    this.#changed ||= changed;
    return { type: "ref", ref, tree: await ref.tree({ signal }) };
  }

  async #readText(index: number, path: string): Promise<string | undefined> {
    const value = await this.#value(index);
    const entry: TocEntry | undefined = statPath(value.tree, path);
    if (!entry) return undefined;
    if (entry.type !== "file") throw new BuildError("invalid_argument", `${path} is not a regular file`);
    const located = await locateIn(value, entry, this.#context.signal);
    return new TextDecoder().decode(await readSmallFile(located, userFileLimitBytes));
  }
}
