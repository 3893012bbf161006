import { randomBytes } from "node:crypto";
import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import {
  decodeImageDocument,
  decodeIndex,
  type Descriptor,
  descriptorToJson,
  type Digest,
  type ImageIndex,
} from "../oci/mod.ts";
import { openDirectoryStore } from "./directory-store.ts";
import type { ContentStore } from "./store.ts";

const refName = "org.opencontainers.image.ref.name";
const imageName = "io.containerd.image.name";

/** What something in a layout is known by: a tag, or an image's whole name and its tag. */
export interface LayoutName {
  readonly tag: string;
  readonly image?: string;
}

/**
 * A directory in the OCI image layout that is written to: blobs into its {@link store}, and in the end what they are, by {@link put}. What is there
 * already stays.
 * @see https://github.com/opencontainers/image-spec/blob/main/image-layout.md
 */
export class LayoutDirectory {
  readonly #directory: string;
  readonly store: ContentStore;

  private constructor(directory: string, store: ContentStore) {
    this.#directory = directory;
    this.store = store;
  }

  /** Makes the directory where it is missing. @throws what the system says of a directory that cannot be written to */
  static async open(directory: string): Promise<LayoutDirectory> {
    await mkdir(directory, { recursive: true });
    return new LayoutDirectory(directory, await openDirectoryStore(directory));
  }

  /** Records what a descriptor leads to under each of `names`, in place of what had the same name before. */
  async put(descriptor: Descriptor, names: readonly LayoutName[]): Promise<void> {
    let { manifests } = await this.#index();
    for (const { tag, image } of names) {
      manifests = manifests.filter(
        ({ annotations }) => annotations?.[refName] !== tag || annotations[imageName] !== image,
      );
      const annotations = {
        ...descriptor.annotations,
        ...(image !== undefined && { [imageName]: image }),
        [refName]: tag,
      };
      manifests = [...manifests, { ...descriptor, annotations }];
    }
    const index = {
      schemaVersion: 2,
      mediaType: "application/vnd.oci.image.index.v1+json",
      manifests: manifests.map(descriptorToJson),
    };
    await this.#replace("oci-layout", '{"imageLayoutVersion":"1.0.0"}');
    await this.#replace("index.json", JSON.stringify(index));
  }

  /** Deletes the blobs that no name leads to. */
  async removeOthers(): Promise<void> {
    const needed = new Set<Digest>();
    for (const { digest } of (await this.#index()).manifests) {
      needed.add(digest);
      for (const named of await this.#namedBy(digest)) needed.add(named);
    }
    for await (const { digest } of this.store.list()) if (!needed.has(digest)) await this.store.remove(digest);
  }

  async #namedBy(digest: Digest): Promise<readonly Digest[]> {
    if (!(await this.store.has(digest))) return [];
    const document = decodeImageDocument(await readFile(this.store.path(digest)));
    const named =
      document.type === "manifest" ? [document.manifest.config, ...document.manifest.layers] : document.index.manifests;
    return named.map((descriptor) => descriptor.digest);
  }

  async #index(): Promise<Pick<ImageIndex, "manifests">> {
    const bytes = await readFile(join(this.#directory, "index.json")).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== "ENOENT") throw error;
    });
    return bytes ? decodeIndex(bytes) : { manifests: [] };
  }

  async #replace(name: string, text: string): Promise<void> {
    const temporary = join(this.#directory, "ingest", `${name}.${randomBytes(9).toString("hex")}`);
    await writeFile(temporary, text);
    await rename(temporary, join(this.#directory, name));
  }
}
