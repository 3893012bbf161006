import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { BuildError, messageOf } from "../../base/errors/mod.ts";
import { isValidName, validName } from "./names.ts";
import { type BuilderRecord, decodeRecord } from "./record.ts";

/** What `current` says. */
export interface CurrentBuilder {
  /** The Docker endpoint for which it holds. */
  readonly key: string;
  /** Empty: whatever is there without being made. */
  readonly name: string;
  /** Holds whatever the Docker endpoint. */
  readonly global: boolean;
}

/** Where a build's sources were. */
export interface RememberedBuild {
  /** The context: an absolute path, a URL, or `-`. */
  readonly localPath: string;
  /** The Dockerfile likewise; empty: the usual one. */
  readonly dockerfilePath: string;
  /** What it was called in the command that asked for it; `default` unless there were several. */
  readonly target: string;
  /** The builds that one command asked for together, if it was more than one. */
  readonly group?: {
    readonly ref: string;
    /** As the command's program has written it down; `undefined` when it is lost. */
    readonly state: unknown;
  };
}

/** Looks into a store, which need not exist. Files are replaced whole, so that reading needs no lock. */
export class StoreReader {
  readonly directory: string;
  constructor(directory: string) {
    this.directory = directory;
  }
  /** All builders, by name. @throws {BuildError} naming the file that cannot be read */
  async list(): Promise<readonly BuilderRecord[]> {
    let names: string[];
    try {
      names = await readdir(join(this.directory, "instances"));
    } catch (error) {
      if (isMissing(error)) return [];
      throw this.#failed("instances", error);
    }
    // a temporary file beside them (dot first) is somebody's half-written one
    const records = await Promise.all(names.filter(isValidName).map((name) => this.builder(name)));
    return records
      .filter((record) => record !== undefined)
      .toSorted((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
  }
  /** One builder; `undefined` when there is none of that name, or it is no name. */
  async builder(name: string): Promise<BuilderRecord | undefined> {
    if (!isValidName(name)) return undefined;
    const path = join("instances", validName(name));
    const text = await this.#read(path);
    return text === undefined ? undefined : decodeRecord(text, join(this.directory, path));
  }
  /** When a builder was last used. */
  async lastActivity(name: string): Promise<Date | undefined> {
    const text = await this.#read(join("activity", name));
    const time = Date.parse(text?.trim() ?? "");
    return Number.isNaN(time) ? undefined : new Date(time);
  }
  async current(): Promise<CurrentBuilder | undefined> {
    const text = await this.#read("current");
    if (text === undefined) return undefined;
    let json: unknown;
    try {
      json = JSON.parse(text);
    } catch (cause) {
      throw this.#failed("current", cause);
    }
    const { Key, Name, Global } = (typeof json === "object" && json !== null ? json : {}) as Record<string, unknown>;
    return {
      key: typeof Key === "string" ? Key : "",
      name: typeof Name === "string" ? Name : "",
      global: Global === true,
    };
  }
  /** The builder that was made the default of a Docker endpoint. */
  async default(key: string): Promise<string | undefined> {
    return (await this.#read(join("defaults", defaultsFile(key)))) || undefined;
  }
  /** What a build was made of that was asked for on this machine; `undefined` when it was not, or nobody can tell any more. */
  async build(builder: string, node: string, ref: string): Promise<RememberedBuild | undefined> {
    if (!isValidName(builder) || !isValidName(node) || !/^[a-z0-9]+$/.test(ref)) return undefined;
    try {
      const text = await this.#read(join("refs", builder, node, ref));
      const { LocalPath, DockerfilePath, Target, GroupRef } = JSON.parse(text ?? "{}") as Record<string, unknown>;
      if (typeof LocalPath !== "string") return undefined;
      const isGroup = typeof GroupRef === "string" && /^[a-z0-9]+$/.test(GroupRef);
      return {
        localPath: LocalPath,
        dockerfilePath: typeof DockerfilePath === "string" ? DockerfilePath : "",
        target: typeof Target === "string" ? Target : "default",
        ...(isGroup ? { group: { ref: GroupRef, state: await this.#group(GroupRef) } } : {}),
      };
    } catch {
      return undefined; // it only helps to name the build
    }
  }
  async #group(ref: string): Promise<unknown> {
    const text = await this.#read(join("refs", "__group__", ref));
    return text === undefined ? undefined : JSON.parse(text);
  }
  async #read(path: string): Promise<string | undefined> {
    try {
      return await readFile(join(this.directory, path), "utf8");
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw this.#failed(path, error);
    }
  }
  #failed(path: string, cause: unknown): BuildError {
    const { code } = cause as NodeJS.ErrnoException;
    return new BuildError(
      code === "EACCES" || code === "EPERM" ? "permission_denied" : "invalid_argument",
      `cannot read ${join(this.directory, path)}: ${messageOf(cause)}: mend it, or remove it`,
      { cause },
    );
  }
}

/** The file of an endpoint below `defaults/`. */
export function defaultsFile(key: string): string {
  return createHash("sha256").update(key).digest("hex").slice(0, 20);
}

function isMissing(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException;
  return code === "ENOENT" || code === "ENOTDIR";
}
