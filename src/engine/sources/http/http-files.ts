import { BuildError } from "../../../base/errors/mod.ts";
import { withoutLogin } from "../../../base/text/logins/mod.ts";
import { type Digest, digestOf } from "../../../oci/mod.ts";
import type { Ref, RefStore } from "../../refs/mod.ts";
import type { OpContext } from "../../solver/mod.ts";
import type { SourceEnvironment } from "../environment.ts";
import { authorizationFor } from "./authorization.ts";
import { download } from "../single-file/download.ts";
import { askFor, etagOf, type HttpAnswer } from "./exchange.ts";
import { fileNameOf } from "./file-name.ts";
import type { FileWishes } from "./file-wishes.ts";
import type { KnownFile, KnownFiles } from "./known-files.ts";
import { treeOfFile } from "../single-file/tree-of-file.ts";

type Context = OpContext<SourceEnvironment>;

/** What an address gives right now, in a tree that is kept for as long as the build lasts. */
export type FoundFile = Omit<KnownFile, "etag">;

/** Files behind addresses: kept, and asked for again before they are used again. Each build asks once, so that its key and its files agree. */
export class HttpFiles {
  readonly #refs: RefStore;
  readonly #root: string;
  readonly #known: KnownFiles;
  readonly #found = new WeakMap<SourceEnvironment, Map<Digest, Promise<FoundFile>>>();

  constructor(options: { readonly refs: RefStore; readonly root: string; readonly known: KnownFiles }) {
    this.#refs = options.refs;
    this.#root = options.root;
    this.#known = options.known;
  }

  /** @throws {BuildError} naming the address: `invalid response status 404` */
  find(address: URL, wishes: FileWishes, context: Context): Promise<FoundFile> {
    const request = requestOf(address, wishes);
    let ofBuild = this.#found.get(context.environment);
    if (!ofBuild) this.#found.set(context.environment, (ofBuild = new Map<Digest, Promise<FoundFile>>()));
    const known = ofBuild.get(request);
    if (known) return known;
    const files = ofBuild;
    const found = this.#ask(address, wishes, request, context);
    found.catch(() => files.delete(request)); // whoever asked gets the failure
    files.set(request, found);
    return found;
  }

  /** As {@link find}, with the tree, which is the caller's. */
  async open(address: URL, wishes: FileWishes, context: Context): Promise<FoundFile & { readonly ref: Ref }> {
    const found = await this.find(address, wishes, context);
    const ref = await this.#refs.load(found.saved);
    if (ref) return { ...found, ref };
    // The build that asked has ended, and what it held was removed.
    this.#found.get(context.environment)?.delete(requestOf(address, wishes));
    const again = await this.find(address, wishes, context);
    const fetched = await this.#refs.load(again.saved);
    if (!fetched || again.digest !== found.digest) {
      await fetched?.release();
      throw new BuildError("unavailable", `digest mismatch ${again.digest}: ${found.digest}`);
    }
    return { ...again, ref: fetched };
  }

  async #ask(address: URL, wishes: FileWishes, request: Digest, context: Context): Promise<FoundFile> {
    const { environment, signal } = context;
    const kept = await this.#load(request);
    try {
      const authorization = await authorizationFor(address, wishes.authSecret, environment, signal);
      const headers = { ...wishes.headers, ...(authorization !== undefined && { authorization }) };
      const answer = await askFor({ address, headers, signal }, new Set(kept.keys()));
      if (answer.type === "file") return await this.#fetch(address, wishes, request, answer, context);
      const known = kept.get(answer.etag);
      if (!known) throw new Error("Internal error: a state that nobody asked about");
      this.#known.add(request, known.file);
      environment.hold(known.ref.clone());
      return known.file;
    } finally {
      await Promise.all([...kept.values()].map(({ ref }) => ref.release()));
    }
  }

  /** The states that are still there, held, by ETag. */
  async #load(request: Digest): Promise<ReadonlyMap<string, { readonly file: KnownFile; readonly ref: Ref }>> {
    const kept = new Map<string, { readonly file: KnownFile; readonly ref: Ref }>();
    for (const file of this.#known.of(request)) {
      const ref = await this.#refs.load(file.saved);
      if (ref) kept.set(file.etag, { file, ref });
      else this.#known.forget(request, file);
    }
    return kept;
  }

  async #fetch(
    address: URL,
    wishes: FileWishes,
    request: Digest,
    { response, body }: HttpAnswer & { readonly type: "file" },
    { environment, signal, progress }: Context,
  ): Promise<FoundFile> {
    const length = Number(response.headers.get("content-length") ?? Number.NaN);
    const incoming = { bytes: body, total: Number.isNaN(length) ? undefined : length };
    await using file = await download(this.#root, incoming, { id: "downloading", signal, progress });
    const lastModified = response.headers.get("last-modified") ?? "";
    const disposition = response.headers.get("content-disposition") ?? undefined;
    const filename = wishes.filename ?? fileNameOf(address, disposition);
    const toc = treeOfFile(file, wishes, { filename, modifiedSec: secondsOf(lastModified) ?? 0 });
    const empty = this.#refs.scratch();
    try {
      const description = `http url ${withoutLogin(address.href)}`;
      const { ref } = await this.#refs.writeLayer(empty, toc, { signal, description });
      environment.hold(ref);
      const saved = this.#refs.save(ref);
      if (saved === undefined) throw new Error("Internal error: a fetched file that cannot be kept");
      const found = { digest: file.digest, filename, lastModified, saved };
      const etag = etagOf(response);
      if (etag !== "") this.#known.add(request, { ...found, etag });
      return found;
    } finally {
      await empty.release();
    }
  }
}

/** A time as HTTP writes it, in whole seconds since the epoch; `undefined` for what is none. */
export function secondsOf(lastModified: string): number | undefined {
  const time = Date.parse(lastModified);
  return Number.isNaN(time) ? undefined : Math.floor(time / 1000);
}

/** Of all that decides the answer and the tree, apart from the client's secrets. */
function requestOf(address: URL, { filename, mode, uid, gid, authSecret, headers }: FileWishes): Digest {
  return digestOf(JSON.stringify([address.href, filename, mode, uid, gid, authSecret, headers]));
}
