import { randomUUID } from "node:crypto";
import { readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { makeDirectory } from "../../base/files/mod.ts";
import { BuildError } from "../../base/errors/mod.ts";
import { formatReference, type Reference } from "../../oci/mod.ts";
import { decodeEntry, entryToJson, type ListEntry } from "./entry.ts";

/**
 * Manifest lists that are being put together on this machine, in the directory and format of docker's own CLI: a directory for each list,
 * a file for each entry, named after what they are.
 */
export class ManifestListStore {
  readonly #root: string;

  /** @param root `manifests` in the directory of docker's settings; made when something is kept */
  constructor(root: string) {
    this.#root = root;
  }

  /** A list's entries, in the order of their files' names; `undefined` when there is no such list. */
  async entries(list: Reference): Promise<readonly ListEntry[] | undefined> {
    const directory = this.#directory(list);
    const names = await ifThere(readdir(directory));
    if (!names) return undefined;
    const files = names.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
    return await Promise.all(
      files.map(async (name) => decodeEntry(await readFile(join(directory, name), "utf8"), join(directory, name))),
    );
  }

  /** As {@link entries}. @throws {BuildError} `not_found` with docker's words */
  async mustHave(list: Reference): Promise<readonly ListEntry[]> {
    const entries = await this.entries(list);
    if (!entries) throw noSuchManifest(list);
    return entries;
  }

  /** One entry of a list. */
  async entry(list: Reference, image: Reference): Promise<ListEntry | undefined> {
    const file = this.#file(list, image);
    const text = await ifThere(readFile(file, "utf8"));
    return text === undefined ? undefined : decodeEntry(text, file);
  }

  /** Keeps an entry, under the name that people gave it; the list is made when it is not there. */
  async save(list: Reference, image: Reference, entry: ListEntry): Promise<void> {
    await makeDirectory(this.#directory(list), { mode: 0o755 });
    // Beside the lists, since whatever lies in a list's directory is an entry.
    const fresh = join(this.#root, `.${randomUUID()}`);
    try {
      await writeFile(fresh, JSON.stringify(entryToJson(entry)), { mode: 0o644 });
      await rename(fresh, this.#file(list, image));
    } catch (error) {
      await rm(fresh, { force: true });
      throw error;
    }
  }

  /** Forgets a list. */
  async remove(list: Reference): Promise<void> {
    await rm(this.#directory(list), { recursive: true, force: true });
  }

  #directory(list: Reference): string {
    return join(this.#root, fileName(list));
  }

  #file(list: Reference, image: Reference): string {
    return join(this.#directory(list), fileName(image));
  }
}

/** What docker says when it does not have something. */
export function noSuchManifest(reference: Reference): BuildError {
  return new BuildError("not_found", `No such manifest: ${formatReference(reference)}`);
}

function fileName(reference: Reference): string {
  return formatReference(reference).replaceAll(":", "-").replaceAll("/", "_");
}

async function ifThere<T>(reading: Promise<T>): Promise<T | undefined> {
  try {
    return await reading;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}
