import { Pace } from "../../base/async/mod.ts";
import { BuildError } from "../../base/errors/mod.ts";
import { createPathPattern } from "../../base/text/patterns/mod.ts";
import { type Digest, Digester } from "../../oci/mod.ts";
import type { Ref } from "../refs/mod.ts";
import { baseOf, type TocEntry, type Tree } from "../snapshots/mod.ts";
import { CopyFilter, select } from "./file/selection.ts";
import { followParent, followPath, relativePath } from "./file/tree-path.ts";
import { hasWildcards, resolveWildcards } from "./file/wildcards.ts";

/** What an op reads of one input. */
export interface ContentSelector {
  /** `/` is everything. */
  readonly path: string;
  /** Whether the path itself may be a link to what is meant. */
  readonly followLinks: boolean;
  /** Whether `*`, `?` and `[` in the path are wildcards. */
  readonly wildcard?: boolean;
  /** May be missing; that is then what the op reads. */
  readonly optional?: boolean;
  readonly include?: readonly string[];
  readonly exclude?: readonly string[];
  /** Paths of which each must be, or hold, something that is selected: from the root of the tree, or from `path`. */
  readonly required?: readonly string[];
}

/**
 * The digest of exactly what `selectors` read in a tree: the same for trees that no op with these selectors could tell apart.
 *
 * What counts of an entry is what BuildKit counts: its path relative to what is selected, type, mode, owner, size, bytes, link target,
 * device and extended attributes; not its times, and not the root directory's own metadata. (The text that is hashed is our own: BuildKit
 * hashes the files' bytes into it, a table of contents has their digests.)
 * @throws {BuildError} `not_found` with BuildKit's words when a selected path does not exist
 */
export async function contentDigest(
  ref: Ref,
  selectors: readonly ContentSelector[],
  options: { readonly signal: AbortSignal },
): Promise<Digest> {
  const tree = await ref.tree(options);
  const key = JSON.stringify(selectors);
  const digests = remembered.get(tree) ?? new Map<string, Digest>();
  remembered.set(tree, digests);
  const known = digests.get(key);
  if (known) return known;
  const lacking = new Map<string, TocEntry>();
  const pace = new Pace(options.signal);
  const note = (entry: TocEntry) => {
    lacking.set(entry.path, entry);
    return "";
  };
  const whatIsKnown = await digestOfTree(tree, selectors, ref.id, { pace, hashed: note });
  const digest = lacking.size === 0 ? whatIsKnown : await withHashed(ref, tree, selectors, lacking, options);
  digests.set(key, digest);
  return digest;
}

/** @param lacking the selected files without a digest, by path */
async function withHashed(
  ref: Ref,
  tree: Tree,
  selectors: readonly ContentSelector[],
  lacking: ReadonlyMap<string, TocEntry>,
  options: { readonly signal: AbortSignal },
): Promise<Digest> {
  const hashed = await ref.digests([...lacking.values()], options);
  const byPath = new Map([...lacking.keys()].map((path, at) => [path, hashed[at]]));
  const pace = new Pace(options.signal);
  return await digestOfTree(tree, selectors, ref.id, { pace, hashed: ({ path }) => byPath.get(path) });
}

/** Trees do not change: what was once computed of one holds for as long as the tree is there. */
const remembered = new WeakMap<Tree, Map<string, Digest>>();

/**
 * {@link contentDigest} of a tree.
 * @param options.hashed tells the digests of files whose entries have none
 */
export async function digestOfTree(
  tree: Tree,
  selectors: readonly ContentSelector[],
  refId: string,
  { pace, hashed = () => undefined }: { readonly pace: Pace; readonly hashed?: DigestLookup },
): Promise<Digest> {
  const hash = new TextHash();
  for (const selector of selectors) {
    hash.update("selector\0");
    try {
      await hashSelection(hash, tree, selector, { pace, hashed });
    } catch (error) {
      if (!(error instanceof BuildError)) throw error;
      const message = `failed to calculate checksum of ref ${refId}: ${error.message}`;
      throw new BuildError(error.code, message, { cause: error });
    }
  }
  return hash.digest();
}

/** The digest of a file whose entry has none. */
type DigestLookup = (entry: TocEntry) => string | undefined;

/** The path as seen from a directory that it is in; otherwise as it is. */
function below(directory: string, path: string): string {
  return directory !== "" && path.startsWith(`${directory}/`) ? path.slice(directory.length + 1) : path;
}

async function hashSelection(
  hash: TextHash,
  tree: Tree,
  selector: ContentSelector,
  { pace, hashed }: { readonly pace: Pace; readonly hashed: DigestLookup },
): Promise<void> {
  const { path, followLinks, include = [], exclude = [], required = [] } = selector;
  const wildcard = selector.wildcard === true && hasWildcards(path);
  const filter = new CopyFilter(include, exclude);
  if (wildcard) createPathPattern(relativePath(path)); // nothing matches what is no pattern, but here somebody can be told
  const matches = wildcard ? matchesOf(tree, selector) : [path];
  // Of a plain path, all is taken that there is.
  const isPlain = !wildcard && include.length === 0 && exclude.length === 0;
  const missing = new Set((isPlain ? [] : required).map((wanted) => below(relativePath(path), relativePath(wanted))));
  for (const match of matches) {
    const root = followLinks ? followPath(tree, match) : followParent(tree, match);
    if (!tree.get(root)) {
      if (!selector.optional) throw notFound(match);
      hash.update("missing\0");
      continue;
    }
    // Where a pattern decides what is copied, names decide where it ends up; a plain path's own name is part of the op.
    if (wildcard) hash.update(`match ${baseOf(match)}\0`);
    for (const { entry, relative } of select(tree, root, filter)) {
      if (pace.isDue) await pace.rest();
      hashEntry(hash, entry, { relative, root, hashed });
      for (const wanted of missing) if (`${relative}/`.startsWith(`${wanted}/`)) missing.delete(wanted);
    }
  }
  for (const wanted of missing) throw notFound(wanted);
}

function matchesOf(tree: Tree, { path, followLinks }: ContentSelector): readonly string[] {
  try {
    return resolveWildcards(tree, path, { followLinks });
  } catch (error) {
    if (error instanceof BuildError && error.code === "not_found") return []; // the copy itself has better words
    throw error;
  }
}

/** Fields in a fixed order, none of which can contain the separator. */
function hashEntry(
  hash: TextHash,
  entry: TocEntry,
  { relative, root, hashed }: { readonly relative: string; readonly root: string; readonly hashed: DigestLookup },
): void {
  if (relative === "" && root === "") return hash.update("root\0");
  const { type, mode, uid, gid, size, linkname = "", devMajor = 0, devMinor = 0 } = entry;
  const digest = entry.digest ?? (type === "file" ? hashed(entry) : "");
  if (digest === undefined) throw new Error(`Internal error: no digest of "/${entry.path}"`);
  const permissions = type === "symlink" ? 0o777 : mode;
  hash.update(
    `${relative}\0${type}\0${permissions}\0${uid}\0${gid}\0${size}\0${linkname}\0${devMajor}\0${devMinor}\0${digest}\0`,
  );
  for (const name of countedXattrs(entry)) {
    const value = entry.xattrs?.[name] ?? new Uint8Array();
    hash.update(`${name}\0${Buffer.from(value).toString("hex")}\0`);
  }
  hash.update("\0");
}

/** Of what the system attaches by itself only capabilities count. */
function countedXattrs(entry: TocEntry): readonly string[] {
  if (!entry.xattrs) return [];
  return Object.keys(entry.xattrs).filter(
    (name) => name === "security.capability" || !/^(?:security|system)\./.test(name),
  );
}

function notFound(path: string): BuildError {
  return new BuildError("not_found", `${JSON.stringify(`/${relativePath(path)}`)}: not found`);
}

/** Hashes many short texts as one long one: a call per entry would cost more than the hashing. */
class TextHash {
  readonly #digester = new Digester();
  #text = "";

  update(text: string): void {
    this.#text += text;
    if (this.#text.length > 65_536) this.#flush();
  }

  digest(): Digest {
    this.#flush();
    return this.#digester.digest();
  }

  #flush(): void {
    this.#digester.update(Buffer.from(this.#text, "utf8"));
    this.#text = "";
  }
}
