import type { RegistryToken, TokenRequest } from "./auth.ts";

/** More tokens than that are not kept; the oldest go. */
const usualLimit = 1000;

interface Kept {
  readonly token: string;
  /** Since when it has been good, and how long it is, in milliseconds. */
  readonly from: number;
  readonly until: number;
}

/** Tokens that were fetched for somebody, for whoever has proved to be the same. */
export class SharedTokens {
  readonly #limit: number;
  readonly #kept = new Map<string, Kept>();
  constructor(limit: number = usualLimit) {
    this.#limit = limit;
  }
  /**
   * A token that is good for a while yet, or else what `fetch` gives.
   * @param owner whose token it is to be
   */
  async token(
    owner: string,
    request: TokenRequest,
    fetch: () => Promise<RegistryToken | undefined>,
  ): Promise<RegistryToken | undefined> {
    const { host, realm, service, scopes, refused } = request;
    const key = JSON.stringify([owner, host, realm, service, scopes.toSorted()]);
    const kept = this.#kept.get(key);
    if (kept && kept.token !== refused && Date.now() < kept.from + (kept.until - kept.from) * 0.9) {
      const expiresInSeconds = (kept.until - kept.from) / 1000;
      return { token: kept.token, expiresInSeconds, issuedAt: new Date(kept.from), isShared: true };
    }
    this.#kept.delete(key);
    const fetched = await fetch();
    if (fetched) this.#keep(key, fetched);
    return fetched;
  }
  #keep(key: string, { token, expiresInSeconds, issuedAt }: RegistryToken): void {
    const now = Date.now();
    const from = Math.min(issuedAt?.getTime() ?? now, now); // a server's clock may be ahead
    this.#kept.set(key, { token, from, until: from + expiresInSeconds * 1000 });
    for (const oldest of this.#kept.keys()) {
      if (this.#kept.size <= this.#limit) break;
      this.#kept.delete(oldest);
    }
  }
}
