import { type Digest, digestOf } from "../../oci/mod.ts";

/** A manifest as it was put. */
export interface StoredManifest {
  readonly mediaType: string;
  readonly bytes: Uint8Array;
}

/** What one registry holds, in memory: repositories share bytes, but each has blobs of its own. */
export class Storage {
  readonly #bytes = new Map<Digest, Uint8Array>();
  readonly #blobs = new Map<string, Set<Digest>>();
  readonly #manifests = new Map<string, Map<string, StoredManifest>>();
  addBlob(repository: string, bytes: Uint8Array, digest: Digest = digestOf(bytes)): Digest {
    this.#bytes.set(digest, bytes);
    entry(this.#blobs, repository, () => new Set<Digest>()).add(digest);
    return digest;
  }
  blob(repository: string, digest: string): Uint8Array | undefined {
    return this.#blobs.get(repository)?.has(digest as Digest) ? this.#bytes.get(digest as Digest) : undefined;
  }
  /** @returns whether `from` had it */
  mount(from: string, to: string, digest: string): boolean {
    const bytes = this.blob(from, digest);
    if (bytes) this.addBlob(to, bytes, digest as Digest);
    return bytes !== undefined;
  }
  /** Under its digest, and under `tag` when there is one. */
  addManifest(repository: string, manifest: StoredManifest, tag?: string): Digest {
    const digest = digestOf(manifest.bytes);
    const manifests = entry(this.#manifests, repository, () => new Map<string, StoredManifest>());
    manifests.set(digest, manifest);
    if (tag !== undefined) manifests.set(tag, manifest);
    return digest;
  }
  manifest(repository: string, tagOrDigest: string): StoredManifest | undefined {
    return this.#manifests.get(repository)?.get(tagOrDigest);
  }
  manifests(repository: string): readonly StoredManifest[] {
    return [...new Set(this.#manifests.get(repository)?.values())];
  }
  /** `undefined` when there is no such repository. */
  tags(repository: string): readonly string[] | undefined {
    const names = this.#manifests.get(repository)?.keys();
    return names && [...names].filter((name) => !name.includes(":")).sort();
  }
}

function entry<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  let value = map.get(key);
  if (value === undefined) {
    value = make();
    map.set(key, value);
  }
  return value;
}
