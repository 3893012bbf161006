import { readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { makeDirectorySync } from "../../../../base/files/mod.ts";
import { isSystemError } from "../../../../base/sys/mod.ts";
import type { Attachment } from "./attachment.ts";

const suffix = ".json";

/** Attachments that exist, a file each, so that those of an engine that was killed can be taken away by the next one. */
export class AttachmentRecords {
  readonly #directory: string;
  constructor(directory: string) {
    this.#directory = directory;
    makeDirectorySync(directory, { mode: 0o700 });
  }

  path(id: string): string {
    return join(this.#directory, `${id}${suffix}`);
  }

  write(attachment: Attachment): void {
    const path = this.path(attachment.id);
    writeFileSync(`${path}.new`, JSON.stringify(attachment), { mode: 0o600 });
    renameSync(`${path}.new`, path);
  }

  remove(id: string): void {
    rmSync(this.path(id), { force: true });
  }

  ids(): readonly string[] {
    return readdirSync(this.#directory)
      .filter((name) => name.endsWith(suffix))
      .map((name) => name.slice(0, -suffix.length));
  }

  /** `undefined` when it is not there any more, or not whole. */
  read(id: string): Attachment | undefined {
    try {
      return JSON.parse(readFileSync(this.path(id), "utf8")) as Attachment;
    } catch (error) {
      if (error instanceof SyntaxError || isSystemError(error, "ENOENT")) return undefined;
      throw error;
    }
  }
}
