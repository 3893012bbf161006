import { baseOf, comparePaths, joinPath, parentOf } from "./path-order.ts";
import type { LayerToc, TocEntry, Tree } from "./toc.ts";

/**
 * The tree that a process sees on a stack of layers, base first.
 *
 * Only what the layers say is shown: a directory that no layer describes (a tar that names `a/b` and never `a`) appears with
 * mode 0755, owner 0:0 and time 0.
 */
export function mergeLayers(layers: readonly LayerToc[]): MergedTree {
  return layers.reduce((tree, layer) => tree.with(layer), MergedTree.empty);
}

/**
 * A {@link Tree} that shares everything unchanged with the tree it was made from: {@link with} costs as much as the layer it adds.
 * Immutable from outside.
 */
export class MergedTree implements Tree {
  /** What stands on no layer. */
  static readonly empty = new MergedTree(newNode(undefined, undefined));
  readonly #root: Node;
  private constructor(root: Node) {
    this.#root = root;
  }

  get(path: string): TocEntry | undefined {
    const node = this.#find(path);
    return node && entryOf(node, path);
  }

  children(path: string): readonly string[] {
    const node = this.#find(path);
    return node ? sortedNames(node) : [];
  }

  *walk(path: string): Iterable<TocEntry> {
    const node = this.#find(path);
    if (node) yield* walkNode(node, path);
  }

  layerOf(path: string): LayerToc | undefined {
    return this.#find(path)?.layer;
  }

  /** This tree with one more layer on top. A layer that stands alone is merged once, for as long as somebody holds its table. */
  with(layer: LayerToc): MergedTree {
    if (this !== MergedTree.empty) return this.#merge(layer);
    let tree = alone.get(layer);
    if (!tree) alone.set(layer, (tree = this.#merge(layer)));
    return tree;
  }

  #merge(layer: LayerToc): MergedTree {
    const editor = new TreeEditor(this.#root, layer);
    // What a layer deletes lies below it, whatever it adds itself: so deletions come first.
    for (const path of layer.whiteouts) editor.remove(path);
    for (const path of layer.opaques) editor.empty(path);
    for (const entry of layer.entries) editor.put(entry);
    return new MergedTree(editor.root);
  }

  #find(path: string): Node | undefined {
    let node: Node | undefined = this.#root;
    if (path === "") return node;
    for (let start = 0; node && start <= path.length; ) {
      const cut = path.indexOf("/", start);
      const end = cut < 0 ? path.length : cut;
      node = node.children?.get(path.slice(start, end));
      start = end + 1;
    }
    return node;
  }
}

/** Trees of single layers, for instance of a context that one build after another looks into. */
const alone = new WeakMap<LayerToc, MergedTree>();

interface Node {
  /** `undefined`: a directory that is only implied. */
  entry: TocEntry | undefined;
  layer: LayerToc | undefined;
  /** Present on directories that have something in them. */
  children: Map<string, Node> | undefined;
  /** Names in order, made when first asked for. */
  sorted: readonly string[] | undefined;
  /** Which editor may write to this node; all others copy it first. */
  owner: object | undefined;
}

function newNode(entry: TocEntry | undefined, layer: LayerToc | undefined, owner?: object): Node {
  return { entry, layer, children: undefined, sorted: undefined, owner };
}

/** Applies one layer to a shared tree, copying the directories on the way to each change once. */
class TreeEditor {
  readonly root: Node;
  readonly #layer: LayerToc;
  /** Entries come sorted, so the directory of one is mostly the directory of the next. */
  #lastPath = "";
  #lastNode: Node;

  constructor(root: Node, layer: LayerToc) {
    this.#layer = layer;
    this.root = this.#own(root);
    this.#lastNode = this.root;
  }

  remove(path: string): void {
    const parent = this.#existing(parentOf(path));
    if (!parent?.children?.has(baseOf(path))) return;
    const owned = this.#directory(parentOf(path));
    owned.children?.delete(baseOf(path));
    owned.sorted = undefined;
    this.#forget();
  }

  empty(path: string): void {
    if (!this.#existing(path)?.children) return;
    const owned = this.#directory(path);
    owned.children = undefined;
    owned.sorted = undefined;
    this.#forget();
  }

  put(entry: TocEntry): void {
    if (entry.path === "") {
      this.root.entry = entry;
      this.root.layer = this.#layer;
      return;
    }
    const parent = this.#directory(parentOf(entry.path));
    const name = baseOf(entry.path);
    const before = parent.children?.get(name);
    const node = newNode(entry, this.#layer, this);
    if (before && entry.type === "dir" && isDirectory(before)) {
      node.children = before.owner === this ? before.children : before.children && new Map(before.children);
      node.sorted = before.sorted;
    }
    if (!before) parent.sorted = undefined;
    parent.children ??= new Map();
    parent.children.set(name, node);
    if (before && isDirectory(before)) this.#forget();
  }

  #existing(path: string): Node | undefined {
    let node: Node | undefined = this.root;
    if (path === "") return node;
    for (const name of path.split("/")) node = node?.children?.get(name);
    return node;
  }

  /** The writable directory at `path`, made where there is none. */
  #directory(path: string): Node {
    if (path === "") return this.root;
    if (path === this.#lastPath) return this.#lastNode;
    const parent = this.#directory(parentOf(path));
    const name = baseOf(path);
    const before = parent.children?.get(name);
    let node: Node;
    if (before?.owner === this && isDirectory(before)) {
      node = before;
    } else {
      node = before && isDirectory(before) ? this.#own(before) : newNode(undefined, this.#layer, this);
      if (!before) parent.sorted = undefined;
      parent.children ??= new Map();
      parent.children.set(name, node);
    }
    this.#lastPath = path;
    this.#lastNode = node;
    return node;
  }

  #own(node: Node): Node {
    return { ...node, children: node.children && new Map(node.children), owner: this };
  }

  #forget(): void {
    this.#lastPath = "";
    this.#lastNode = this.root;
  }
}

function isDirectory(node: Node): boolean {
  return node.entry === undefined || node.entry.type === "dir";
}

function entryOf(node: Node, path: string): TocEntry {
  return (node.entry ??= impliedDirectory(path));
}

/** A directory that is there because something lies in it, and of which nothing else is known. */
export function impliedDirectory(path: string): TocEntry {
  return { path, type: "dir", mode: 0o755, uid: 0, gid: 0, size: 0, mtimeSec: 0, mtimeNsec: 0 };
}

function sortedNames(node: Node): readonly string[] {
  return (node.sorted ??= node.children ? [...node.children.keys()].sort(comparePaths) : []);
}

function* walkNode(node: Node, path: string): Iterable<TocEntry> {
  yield entryOf(node, path);
  for (const name of sortedNames(node)) {
    const child = node.children?.get(name);
    if (child) yield* walkNode(child, joinPath(path, name));
  }
}
