import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { linkSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { measure } from "./measure.ts";

const context = { check: () => undefined, progress: () => undefined };

test("measure() says what du says: links once, holes not at all, what is missing nothing", (t) => {
  const root = mkdtempSync(join(tmpdir(), "measure-"));
  t.after(() => rmSync(root, { recursive: true, force: true }));
  mkdirSync(join(root, "tree/deep"), { recursive: true });
  writeFileSync(join(root, "tree/deep/file"), "x".repeat(100_000));
  linkSync(join(root, "tree/deep/file"), join(root, "tree/again"));
  symlinkSync("nowhere", join(root, "tree/link"));
  writeFileSync(join(root, "tree/holes"), "");
  truncateSync(join(root, "tree/holes"), 10_000_000);
  writeFileSync(join(root, "tree/caf\u00e9"), "name");
  writeFileSync(join(root, "file"), "y".repeat(10_000));
  const paths = [join(root, "tree"), join(root, "missing"), join(root, "file")];
  const du = (path: string) =>
    Number.parseInt(execFileSync("du", ["-s", "--block-size=1", path], { encoding: "utf8" }), 10);
  assert.deepEqual(measure({ paths }, context), [du(paths[0] ?? ""), 0, du(paths[2] ?? "")]);
});
