import assert from "node:assert/strict";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { test } from "node:test";
import { architectures, exitProgram } from "../../binfmt/mod.ts";
import { describe, digestOf, layerMediaType, parsePlatform, parseReference } from "../../oci/mod.ts";
import { encodeEntry, endOfArchive, type TarEntry } from "../../tar/mod.ts";
import type { Registry } from "../../registry/mod.ts";
import type { ProgramTree } from "./program-tree.ts";
import { readPrograms } from "./read-layers.ts";
import { verifyPrograms } from "./verify.ts";

/** What stands at a path of a layer: the bytes of a program or file, or where a link leads. */
type Content = Uint8Array | string | { readonly link: string } | { readonly hardlink: string };

const program = (name: string): Uint8Array =>
  exitProgram(architectures.find((architecture) => architecture.name === name) ?? assert.fail());
const [amd64, arm64] = [program("amd64"), program("arm64")];

/** Its compression goes round: plain, gzip, zstd. */
async function treeOf(...layers: readonly Readonly<Record<string, Content>>[]): Promise<ProgramTree> {
  const blobs = layers.map((files, at) => {
    const tar = Buffer.concat([
      ...Object.entries(files).flatMap(([name, content]) => member(name, content)),
      endOfArchive,
    ]);
    if (at % 3 === 0) return { bytes: tar, mediaType: layerMediaType({ family: "oci", compression: "uncompressed" }) };
    if (at % 3 === 1) {
      return { bytes: gzipSync(tar), mediaType: layerMediaType({ family: "docker", compression: "gzip" }) };
    }
    return { bytes: zstdCompressSync(tar), mediaType: layerMediaType({ family: "oci", compression: "zstd" }) };
  });
  const stored = new Map<string, Uint8Array>(blobs.map(({ bytes }) => [digestOf(bytes), bytes]));
  const registry = {
    async *fetchBlob(_reference: unknown, { digest }: { digest: string }) {
      const bytes = stored.get(digest) ?? assert.fail();
      for (let at = 0; at < bytes.length; at += 100) yield bytes.subarray(at, at + 100);
    },
  } as Partial<Registry> as Registry;
  const manifest = { layers: blobs.map(({ bytes, mediaType }) => describe(mediaType, bytes)) };
  return await readPrograms(registry, parseReference("x"), manifest, { signal: new AbortController().signal });
}

function member(name: string, content: Content): Uint8Array[] {
  const entry = (more: Partial<TarEntry>): TarEntry => {
    return { name, type: "file", mode: 0o755, uid: 0, gid: 0, size: 0, mtimeSec: 0, mtimeNsec: 0, ...more };
  };
  if (typeof content === "object" && "link" in content) {
    return [encodeEntry(entry({ type: "symlink", linkname: content.link }))];
  }
  if (typeof content === "object" && "hardlink" in content) {
    return [encodeEntry(entry({ type: "hardlink", linkname: content.hardlink }))];
  }
  const bytes = Buffer.from(content);
  const mode = name.endsWith(".so") ? 0o644 : 0o755;
  return [encodeEntry(entry({ size: bytes.length, mode })), bytes, Buffer.alloc((512 - (bytes.length % 512)) % 512)];
}

const verify = (tree: ProgramTree, config: Parameters<typeof verifyPrograms>[1]) =>
  verifyPrograms(tree, config, parsePlatform("linux/amd64"));

test("an image that is what it says has no problems, through links, PATH and scripts", async () => {
  const tree = await treeOf(
    { "usr/bin/busybox": amd64, bin: { link: "usr/bin" }, "usr/bin/sh": { hardlink: "usr/bin/busybox" } },
    { "app/run.sh": "#!/bin/sh\n", "app/run": { link: "./run.sh" }, "opt/arm/tool": arm64 },
  );
  for (const config of [
    { Cmd: ["sh"] },
    { Entrypoint: ["/bin/sh", "-c"], Cmd: ["x"] },
    { Entrypoint: ["run"], Env: ["PATH=/none:/app"] },
    { Cmd: ["./run"], WorkingDir: "/app" },
  ]) {
    const { Started, Problems } = verify(tree, config);
    assert.deepEqual(Problems, [], JSON.stringify(config));
    assert.equal(Started?.Platform, "linux/amd64");
  }
  assert.deepEqual(verify(tree, {}), {
    Platforms: {
      "linux/amd64": { Count: 2, Examples: ["/usr/bin/busybox", "/usr/bin/sh"] },
      "linux/arm64": { Count: 1, Examples: ["/opt/arm/tool"] },
    },
    Problems: [],
  });
});

for (const [what, layers, config, problem] of [
  [
    "a program of another architecture",
    [{ "bin/sh": amd64 }, { "bin/sh": arm64 }],
    { Cmd: ["/bin/sh"] },
    /^it says that it is for linux\/amd64, but \/bin\/sh is a program for linux\/arm64: build it for linux\/amd64 .*--platform linux\/arm64$/,
  ],
  ["nothing but such programs", [{ "lib/x": arm64 }], {}, /^it says that it is for linux\/amd64, but \/lib\/x is/],
  ["a program that is not there", [{ "bin/sh": amd64 }], { Cmd: ["app"] }, /^it starts app, which is no program in it/],
  [
    "a program that a later layer has removed",
    [{ "bin/sh": amd64 }, { "bin/.wh.sh": "" }],
    { Cmd: ["sh"] },
    /^it starts sh, which is no program/,
  ],
  [
    "a directory that a later layer has emptied",
    [{ "a/b/sh": amd64 }, { "a/.wh..wh..opq": "" }],
    { Cmd: ["/a/b/sh"] },
    /^it starts \/a\/b\/sh, which is no program/,
  ],
  [
    "a script without its interpreter",
    [{ run: "#! /bin/none -x\n" }],
    { Cmd: ["/run"] },
    /^it starts \/run, a script for \/bin\/none, which is not in it/,
  ],
  ["what is no program", [{ run: "hello" }], { Cmd: ["/run"] }, /^it starts \/run, which is neither a program nor/],
  ["links that go round", [{ a: { link: "b" }, b: { link: "a" } }], { Cmd: ["/a"] }, /^it starts \/a, which is no/],
] as const) {
  test(`${what} is a problem`, async () => {
    const { Problems } = verify(await treeOf(...layers), config);
    assert.equal(Problems.length, 1);
    assert.match(Problems[0] ?? "", problem);
  });
}

test("a program whose loader is missing is a problem, and none when it is there", async () => {
  const { readFileSync } = await import("node:fs");
  const dynamic = readFileSync(process.execPath).subarray(0, 8192);
  const platform = parsePlatform(`linux/${process.arch === "x64" ? "amd64" : process.arch}`);
  const { Problems } = verifyPrograms(await treeOf({ node: dynamic }), { Cmd: ["/node"] }, platform);
  const [, loader = ""] = /needs (\/\S+), and that is not in it/.exec(Problems[0] ?? "") ?? [];
  assert.match(loader, /ld-linux/);
  const whole = await treeOf({ node: dynamic, "real.so": "x" }, { [loader.slice(1)]: { link: "/real.so" } });
  assert.deepEqual(verifyPrograms(whole, { Cmd: ["/node"] }, platform).Problems, []);
});

test("a layer that is no archive is an error that names it", async () => {
  const bytes = Buffer.from("no archive at all, but long enough".repeat(40));
  const registry = {
    fetchBlob: async function* () {
      yield bytes;
    },
  } as Partial<Registry> as Registry;
  const layers = [describe(layerMediaType({ family: "oci", compression: "gzip" }), bytes)];
  await assert.rejects(
    readPrograms(registry, parseReference("x"), { layers }, { signal: new AbortController().signal }),
    {
      code: "data_loss",
      message: /^cannot read layer sha256:[0-9a-f]{64}: incorrect header check$/,
    },
  );
});
