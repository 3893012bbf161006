import type { Digest } from "../../oci/mod.ts";
import type { RemoteLayer } from "./ref.ts";

/** So many places of one blob are remembered at most: the newest. */
const placesPerBlob = 8;

/**
 * Where blobs of layers can be fetched from, by their digests. Whoever names such a place says for how long it is of use: a registry is reached
 * with the login of a client, and a client's own store only while the client is there.
 */
export class Remotes {
  readonly #places = new Map<Digest, readonly RemoteLayer[]>();

  /** Remembers a place; the newest goes before others: it has the freshest login. */
  offer(remote: RemoteLayer): void {
    const { digest } = remote.descriptor;
    this.#places.set(digest, [remote, ...this.#usable(digest)].slice(0, placesPerBlob));
  }

  /** The newest place from which the blob can be fetched now. */
  find(digest: Digest): RemoteLayer | undefined {
    const usable = this.#usable(digest);
    if (usable.length === 0) this.#places.delete(digest);
    else this.#places.set(digest, usable);
    return usable[0];
  }

  #usable(digest: Digest): readonly RemoteLayer[] {
    return (this.#places.get(digest) ?? []).filter(({ isReachable }) => isReachable?.() ?? true);
  }
}
