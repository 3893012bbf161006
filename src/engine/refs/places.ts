import { randomUUID } from "node:crypto";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";

/**
 * Where things are under the store's root. What is complete lies in `layers/<name>/`: `toc` (table of contents) and `fs` (a lower directory), each put
 * there by a rename. What is in the making lies in `tmp/`, and is litter at start-up.
 */
export class Places {
  readonly root: string;
  constructor(root: string) {
    this.root = root;
  }
  get database(): string {
    return join(this.root, "refs.db");
  }
  get layers(): string {
    return join(this.root, "layers");
  }
  get temporary(): string {
    return join(this.root, "tmp");
  }
  /** A directory that stays empty: what overlayfs stands on when there is nothing below. */
  get empty(): string {
    return join(this.root, "empty");
  }
  layer(id: string): string {
    return join(this.layers, id.replace(/^[a-z0-9]+:/, ""));
  }
  toc(id: string): string {
    return join(this.layer(id), "toc");
  }
  directory(id: string): string {
    return join(this.layer(id), "fs");
  }
  /** A fresh directory for something in the making. */
  async makeTemporary(): Promise<string> {
    const path = join(this.temporary, randomUUID());
    await mkdir(path, { mode: 0o700 });
    return path;
  }
}
