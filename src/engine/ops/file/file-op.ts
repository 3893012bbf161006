import { pb } from "../../../api/mod.ts";
import { BuildError } from "../../../base/errors/mod.ts";
import type { Ref } from "../../refs/mod.ts";
import { type CacheMap, FailedRun, type Op, type OpContext } from "../../solver/mod.ts";
import { mergeLayers, type TocEntry } from "../../snapshots/mod.ts";
import type { OpDeps } from "../deps.ts";
import type { OpEnvironment } from "../environment.ts";
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
  for (const [at, output] of outputs.entries()) {
    if (outputs.indexOf(output) !== at) throw new BuildError("invalid_argument", `duplicate output ${output}`);
    if (!outputs.includes(at)) throw new BuildError("invalid_argument", `missing output index ${at}`);
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
  #changed = false;

  constructor(op: pb.FileOp, inputs: readonly Ref[], description: string, deps: OpDeps<C>, context: OpContext<C>) {
    this.#actions = op.actions;
    this.#inputs = inputs;
    this.#description = description;
    this.#deps = deps;
    this.#context = context;
    this.#now = deps.now();
  }

  async results(): Promise<{ readonly results: readonly Ref[]; readonly uncacheable: boolean }> {
    const results: Ref[] = [];
    for (let output = 0; ; output++) {
      const at = this.#actions.findIndex((action) => Number(action.output) === output);
      if (at < 0) break;
      const value = await this.#value(this.#inputs.length + at, []).catch((error: unknown) => {
        throw this.#failed(error, at);
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

  /** @param waiting the values that wait for this one */
  async #value(index: number, waiting: readonly number[]): Promise<Value> {
    if (waiting.includes(index)) throw new BuildError("invalid_argument", `loop from index ${index}`);
    const known = this.#values.get(index);
    if (known) return await known;
    const made = this.#make(index, [...waiting, index]);
    this.#values.set(index, made);
    return await made;
  }

  async #make(index: number, waiting: readonly number[]): Promise<Value> {
    const { signal } = this.#context;
    signal.throwIfAborted();
    const input = this.#inputs[index];
    if (input) return { type: "ref", ref: input, tree: await input.tree({ signal }) };
    const action = this.#actions[index - this.#inputs.length];
    if (index < 0 || !action) return this.#scratch();

    const source = await this.#value(Number(action.secondaryInput), waiting);
    const owner = await lookUpOwner(ownerOf(action), (at, path) => this.#readText(at, path, waiting));
    const before = await this.#value(Number(action.input), waiting);
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
    return this.#isShared(index) ? await this.#commit(draft, base) : { type: "draft", base, tree: draft };
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

  /** Whether somebody but one next action wants this value: then it becomes a layer of its own. */
  #isShared(index: number): boolean {
    let asInput = 0;
    let otherwise = 0;
    for (const [at, action] of this.#actions.entries()) {
      if (Number(action.input) === index) asInput++;
      if (Number(action.secondaryInput) === index) otherwise++;
      if (at === index - this.#inputs.length && action.output !== -1n) otherwise++;
      for (const part of [ownerOf(action)?.user?.user, ownerOf(action)?.group?.user]) {
        if (part?.case === "byName" && Number(part.value.input) === index) otherwise++;
      }
    }
    return otherwise > 0 || asInput > 1;
  }

  async #readText(index: number, path: string, waiting: readonly number[]): Promise<string | undefined> {
    const value = await this.#value(index, waiting);
    const entry: TocEntry | undefined = statPath(value.tree, path);
    if (!entry) return undefined;
    if (entry.type !== "file") throw new BuildError("invalid_argument", `${path} is not a regular file`);
    const located = await locateIn(value, entry, this.#context.signal);
    return new TextDecoder().decode(await readSmallFile(located, userFileLimitBytes));
  }
}

function ownerOf({ action }: pb.FileAction): pb.ChownOpt | undefined {
  return action.case === undefined || action.case === "rm" ? undefined : action.value.owner;
}
