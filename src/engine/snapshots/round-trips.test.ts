import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { suite, test, type TestContext } from "node:test";
import { TarParser } from "../../tar/mod.ts";
import {
  decodeToc,
  encodeToc,
  LayerReader,
  type LayerToc,
  packLayer,
  scanDirectory,
  sealDirectory,
  TreeWriter,
  writeTree,
} from "./mod.ts";
import { Random, randomLayer, withoutContents } from "./testing/random-layer.ts";

const check = (): void => undefined;
const seeds = [1, 2, 3, 4, 5, 6, 7, 8];

suite("a random tree", () => {
  for (const seed of seeds) {
    const toc = randomLayer(new Random(seed), 120);

    test(`packed and read gives the same table (${seed})`, () => {
      const tar = pack(toc);
      assert.deepEqual(withoutContents(read(tar, 4096)), withoutContents(toc, { wholeSeconds: true }));
      assert.deepEqual(pack(toc, 1000), tar, "the size of pieces does not show");
    });

    test(`unpacked and scanned gives the same table (${seed})`, (t) => {
      const directory = temporary(t);
      const unpacked = read(pack(toc), 4096, directory);
      sealDirectory(directory, { toc: unpacked, moves: [], links: [] });
      assert.deepEqual(scan(directory), withoutContents(toc, { wholeSeconds: true }));
    });

    test(`laid out and scanned gives the same table to the nanosecond (${seed})`, (t) => {
      const directory = temporary(t);
      writeTree(toc, directory, check);
      assert.deepEqual(scan(directory), withoutContents(toc));
    });

    test(`unpacked by GNU tar gives the same table (${seed})`, (t) => {
      const directory = temporary(t);
      const flags = ["--xattrs", "--xattrs-include=*", "--same-owner", "--numeric-owner", "-xpf", "-"];
      execFileSync("tar", ["-C", directory, ...flags], { input: pack(toc) });
      assert.deepEqual(scan(directory), withoutContents(toc, { wholeSeconds: true }));
    });

    test(`packed by GNU tar gives the same table (${seed})`, (t) => {
      const directory = temporary(t);
      writeTree(toc, directory, check);
      const flags = ["--format=pax", "--xattrs", "--xattrs-include=*", "--numeric-owner", "-C", directory];
      const tar = execFileSync("tar", [...flags, "-cf", "-", "."], { maxBuffer: 1e9 });
      assert.deepEqual(withoutContents(read(tar, 10_000)), withoutContents(toc));
    });

    test(`stored and loaded is the same table (${seed})`, () => {
      assert.deepEqual(withoutContents(decodeToc(encodeToc(toc))), withoutContents(toc));
      const full = decodeToc(encodeToc(toc, "full"));
      assert.deepEqual(pack(full), pack(toc));
    });
  }
});

test("umoci unpacks a packed tree to the same table", { skip: !hasProgram("umoci") }, (t) => {
  const directory = temporary(t);
  const toc = randomLayer(new Random(99), 150);
  const image = join(directory, "image");
  writeFileSync(join(directory, "layer.tar"), pack(toc));
  const umoci = (...args: string[]): void => void execFileSync("umoci", args, { stdio: "ignore" });
  umoci("init", "--layout", image);
  umoci("new", "--image", `${image}:t`);
  umoci("raw", "add-layer", "--image", `${image}:t`, join(directory, "layer.tar"));
  umoci("unpack", "--image", `${image}:t`, join(directory, "bundle"));
  assert.deepEqual(scan(join(directory, "bundle/rootfs")), withoutContents(toc, { wholeSeconds: true }));
});

test("deletions survive tar and directory", (t) => {
  const dir = { type: "dir", mode: 0o755, uid: 0, gid: 0, size: 0, mtimeSec: 5, mtimeNsec: 0 } as const;
  const layer: LayerToc = {
    entries: ["a", "a/new", "o"].map((path) => ({ ...dir, path })),
    whiteouts: ["a/gone", "b"],
    opaques: ["o"],
  };
  assert.deepEqual(withoutContents(read(pack(layer), 512)), layer);
  const directory = temporary(t);
  writeTree(layer, directory, check);
  const scanned = scanDirectory(directory, { kind: "upper", check });
  assert.deepEqual({ ...scanned, entries: scanned.entries.slice(1) }, layer);
});

function pack(toc: LayerToc, pieceBytes = 64 * 1024): Buffer {
  const pieces = [...packLayer(toc, () => Buffer.alloc(pieceBytes), { check })];
  assert.ok(
    pieces.slice(0, -1).every((piece) => piece.length === pieceBytes),
    "all pieces but the last are full",
  );
  return Buffer.concat(pieces);
}

function read(tar: Buffer, step: number, directory?: string): LayerToc {
  const reader = new LayerReader({ writer: directory === undefined ? undefined : new TreeWriter(directory) });
  const parser = new TarParser(reader);
  for (let at = 0; at < tar.length; at += step) parser.push(tar.subarray(at, at + step));
  parser.finish();
  return reader.toc();
}

/** What lies in a directory, without its root. */
function scan(directory: string): LayerToc {
  const { entries, ...rest } = scanDirectory(directory, { kind: "tree", check });
  return withoutContents({ entries: entries.slice(1), ...rest });
}

function temporary(t: TestContext): string {
  const directory = mkdtempSync(join(process.env["POLYARCH_TEST_ROOT"] ?? tmpdir(), "snapshots-"));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

function hasProgram(name: string): boolean {
  try {
    execFileSync("sh", ["-c", `command -v ${name}`], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}
