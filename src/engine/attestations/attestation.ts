/** What a statement is about, besides the image itself. @see https://github.com/in-toto/attestation/blob/main/spec/v1/statement.md */
export interface AttestationSubject {
  /** `self`: the image, or the tree, that it is attached to; `raw`: what `name` and `digests` say. */
  readonly kind: "self" | "raw";
  readonly name: string;
  /** `<algorithm>:<hex>` each. */
  readonly digests: readonly string[];
}

/** Something that is said of one platform's result: how it was made, or what is in it. */
export interface Attestation {
  /** `in-toto`: one predicate. `bundle`: a directory, each of whose files is a whole in-toto statement. */
  readonly kind: "in-toto" | "bundle";
  /** BuildKit's keys: `reason` (`provenance`, `sbom`), `inline-only` (`true`: only inside of images), `sbom-core`. */
  readonly metadata: Readonly<Record<string, Uint8Array>>;
  /** Name of the file that it becomes where it does not go into an image; of a bundle, the directory. */
  readonly path: string;
  /** Type of the predicate, an URI; empty for bundles, whose statements say it themselves. */
  readonly predicateType: string;
  readonly subjects: readonly AttestationSubject[];
  /** Where `path` is read. */
  readonly files: AttestationFiles;
}

/** Reads files of a statement when they are needed. Paths are relative to the root of the tree and stay inside of it. */
export interface AttestationFiles {
  /** @throws {BuildError} `not_found`; `resource_exhausted` beyond `maxBytes` */
  readFile(path: string, options: { readonly signal: AbortSignal; readonly maxBytes?: number }): Promise<Uint8Array>;
  /** Names of a directory's entries, sorted. @throws {BuildError} `not_found` */
  readDir(
    path: string,
    options: { readonly signal: AbortSignal },
  ): Promise<readonly { readonly path: string; readonly type: "file" | "directory" | "symlink" | "other" }[]>;
}

/** What is said of a result, by the id of its platform (the key of a result map). */
export type Attestations = ReadonlyMap<string, readonly Attestation[]>;
