import { hash } from "node:crypto";
import { type LayerToc, MergedTree } from "../snapshots/mod.ts";
import { Held } from "./hold.ts";
import type { FaceOptions, Layer } from "./layer.ts";
import type { StoreParts } from "./parts.ts";

/** The id of the empty stack. */
export const scratchId = "";

/** Names a stack by what it is made of. */
export function stackId(below: string, layer: string): string {
  return hash("sha256", `${below} ${layer}`, "hex");
}

/**
 * One layer on top of a stack, or nothing at all. Stacks with the same layers are the same object, so trees share what lies below.
 * Holds the stack below and its own layer.
 */
export class Stack extends Held {
  readonly id: string;
  readonly below: Stack | undefined;
  readonly layer: Layer | undefined;
  /** Whether it can be found again after a restart. */
  readonly isStored: boolean;
  readonly #parts: StoreParts;
  #tree: MergedTree | undefined;

  private constructor(parts: StoreParts, id: string, below: Stack | undefined, layer: Layer | undefined) {
    super();
    this.#parts = parts;
    this.id = id;
    this.below = below;
    this.layer = layer;
    this.isStored = (below?.isStored ?? true) && (layer?.isStored ?? true);
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
    const layers: Layer[] = [];
    for (const { layer } of downFrom(this)) layers.push(layer);
    return layers.reverse();
  }

  /** The merged table of contents. Tables of all layers are made at the same time. Not recursive: stacks may be thousands of layers deep. */
  async tree(options: FaceOptions): Promise<MergedTree> {
    const unmerged: { readonly stack: Stack; readonly layer: Layer }[] = [];
    let tree = MergedTree.empty;
    for (const { stack, layer } of downFrom(this)) {
      if (stack.#tree) {
        tree = stack.#tree;
        break;
      }
      unmerged.push({ stack, layer });
    }
    const tocs = await Promise.all(unmerged.map(({ layer }) => layer.toc(options)));
    for (const [at, { stack }] of [...unmerged.entries()].reverse()) {
      tree = stack.#tree ??= tree.with(tocs[at] as LayerToc);
    }
    return tree;
  }

  protected override async letGo(): Promise<void> {
    this.#parts.stacks.delete(this.id);
    // The layer first: waiting for it unwinds the stack of calls, which would otherwise grow with that of layers.
    await this.layer?.release();
    await this.below?.release();
  }
}

/** The stack itself, the one below it, and so on, each with its layer. */
function* downFrom(top: Stack): Iterable<{ readonly stack: Stack; readonly layer: Layer }> {
  for (let at: Stack | undefined = top; at?.layer; at = at.below) yield { stack: at, layer: at.layer };
}
