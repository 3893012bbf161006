import { randomBytes, randomUUID } from "node:crypto";
import { readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { makeDirectory } from "../base/files/mod.ts";

const seedBytes = 16;

/** Random bytes for each registry, by which an engine knows this user again without learning who he is. Kept beside Docker's `config.json`, as docker buildx does. */
export class TokenSeeds {
  readonly #directory: string;
  readonly #known = new Map<string, Uint8Array>();
  constructor(directory: string) {
    this.#directory = directory;
  }
  /** The seed for a registry; a new one where there is none. One that cannot be kept is good for this process. */
  async for(host: string): Promise<Uint8Array> {
    const known = this.#known.get(host);
    if (known) return known;
    const seed = await this.#kept(host);
    this.#known.set(host, seed);
    return seed;
  }
  async #kept(host: string): Promise<Uint8Array> {
    const path = join(this.#directory, ".token_seed");
    const all = await readSeeds(path);
    const old = Object.hasOwn(all, host) ? all[host]?.Seed : undefined;
    if (typeof old === "string" && old !== "") return Buffer.from(old, "base64");
    const seed = randomBytes(seedBytes);
    const text = JSON.stringify({ ...all, [host]: { Seed: seed.toString("base64") } }, undefined, "  ");
    const fresh = `${path}.${randomUUID()}`;
    try {
      await makeDirectory(this.#directory, { mode: 0o700 });
      await writeFile(fresh, text, { mode: 0o600, flag: "wx" });
      await rename(fresh, path);
    } catch {
      await rm(fresh, { force: true }).catch(() => undefined); // a directory that cannot be written to is no reason not to build
    }
    return seed;
  }
}

/** What is kept; what cannot be read is none. */
async function readSeeds(path: string): Promise<Record<string, { readonly Seed?: unknown } | null>> {
  try {
    const json: unknown = JSON.parse(await readFile(path, "utf8"));
    return typeof json === "object" && json !== null ? { ...(json as Awaited<ReturnType<typeof readSeeds>>) } : {};
  } catch {
    return {};
  }
}
