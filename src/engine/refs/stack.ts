import { createHash } from "node:crypto";
import { MergedTree } from "../snapshots/mod.ts";
import { Held } from "./hold.ts";
import type { FaceOptions, Layer } from "./layer.ts";
import type { StoreParts } from "./parts.ts";

/** The id of the empty stack. */
export const scratchId = "";

/** Names a stack by what it is made of. */
export function stackId(below: string, layer: string): string {
  return createHash("sha256").update(`${below} ${layer}`).digest("hex");
}

/**
 * One layer on top of a stack, or nothing at all. Stacks with the same layers are the same object, so trees share what lies below.
 * Holds the stack below and its own layer.
 */
export class Stack extends Held {
  readonly id: string;
  readonly below: Stack | undefined;
  readonly layer: Layer | undefined;
  readonly #parts: StoreParts;
  #tree: MergedTree | undefined;

  private constructor(parts: StoreParts, id: string, below: Stack | undefined, layer: Layer | undefined) {
    super();
    this.#parts = parts;
    this.id = id;
    this.below = below;
    this.layer = layer;
  }

  /** The empty stack, held. */
  static scratch(parts: StoreParts): Stack {
    const known = parts.stacks.get(scratchId);
    if (known) return known.hold();
    const stack = new Stack(parts, scratchId, undefined, undefined);
    parts.stacks.set(scratchId, stack);
    return stack;
  }

  /** `layer` on top of `below`, held. Takes over the caller's holds on both. */
  static push(parts: StoreParts, below: Stack, layer: Layer): Stack {
    const id = stackId(below.id, layer.id);
    const known = parts.stacks.get(id);
    if (known) {
      known.hold();
      void below.release();
      void layer.release();
      return known;
    }
    const stack = new Stack(parts, id, below, layer);
    parts.stacks.set(id, stack);
    return stack;
  }

  /** The layers, base first. */
  layers(): readonly Layer[] {
    const below = this.below?.layers() ?? [];
    return this.layer ? [...below, this.layer] : below;
  }

  /** Whether it can be found again after a restart. */
  get isStored(): boolean {
    return this.layers().every((layer) => layer.isStored);
  }

  /** The merged table of contents. Tables of all layers are made at the same time. */
  async tree(options: FaceOptions): Promise<MergedTree> {
    if (this.#tree) return this.#tree;
    if (!this.below || !this.layer) return MergedTree.empty;
    const [lower, toc] = await Promise.all([this.below.tree(options), this.layer.toc(options)]);
    return (this.#tree ??= lower.with(toc));
  }

  protected override async letGo(): Promise<void> {
    this.#parts.stacks.delete(this.id);
    await this.below?.release();
    await this.layer?.release();
  }
}
