import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { decodeDefinition } from "../../../../llb/mod.ts";
import { encodeEntry, endOfArchive } from "../../../../tar/mod.ts";
import { MemoryBridge } from "../../testing/memory-bridge.ts";
import { dockerfileFrontend } from "../mod.ts";

const { signal } = new AbortController();
const dockerfile = "FROM scratch\nCOPY word /\n";

/** The beginning of an archive, which is all that the frontend looks at. */
const archive = Buffer.concat([
  encodeEntry({
    name: "sub/",
    type: "dir",
    mode: 0o755,
    uid: 0,
    gid: 0,
    size: 0,
    mtimeSec: 0,
    mtimeNsec: 0,
  }),
  endOfArchive,
]);

/** A source, or one action of a copying step. */
type Told =
  | { readonly source: string }
  | {
      readonly name: string;
      readonly src: string | undefined;
      readonly dest: string | undefined;
      readonly contents: boolean | undefined;
      readonly unpack: boolean | undefined;
    };

/** The names of the vertices, base first, and what each copies. */
async function graph(options: Record<string, string>, fetched: string | Uint8Array) {
  const bridge = new MemoryBridge({ options, files: { Dockerfile: dockerfile, context: fetched } });
  const { refs } = await dockerfileFrontend(bridge, { signal });
  const definition = refs[0]?.definition;
  assert.ok(definition);
  return [...decodeDefinition(definition).ops.values()].flatMap(({ name, op: { op } }): Told[] => {
    if (op.case !== "file") return op.case === "source" ? [{ source: op.value.identifier }] : [];
    return op.value.actions.map(({ action }) => {
      assert.equal(action.case, "copy");
      const { src, dest, dirCopyContents, attemptUnpackDockerCompatibility: unpack } = action.value ?? {};
      return { name, src, dest, contents: dirCopyContents, unpack };
    });
  });
}

const copied = { name: "[1/1] COPY word /", src: "/word", dest: "/", contents: true, unpack: false };

suite("a directory inside of a context that is fetched (contextsubdir)", () => {
  test("is taken out of the archive, once it is unpacked", async () => {
    const context = "https://example.org/context.tar";
    const unpacked = { name: "[internal] unpack remote build context", dest: "/", contents: false, unpack: true };
    assert.deepEqual(await graph({ context, contextsubdir: "sub/dir" }, archive), [
      { source: context },
      { ...unpacked, src: "/context" },
      {
        name: "[internal] take sub/dir of the build context",
        src: "/sub/dir",
        dest: "/",
        contents: true,
        unpack: false,
      },
      copied,
    ]);
    assert.deepEqual(await graph({ context }, archive), [
      { source: context },
      { ...unpacked, src: "/context" },
      copied,
    ]);
  });

  test("is taken out of a repository as well", async () => {
    const context = "https://example.org/a.git#main";
    const [source, subdirectory, step] = await graph({ context, contextsubdir: "/sub" }, "");
    assert.deepEqual(source, { source: "git://example.org/a.git#main" });
    assert.ok(subdirectory && "src" in subdirectory);
    assert.equal(subdirectory.src, "/sub");
    assert.deepEqual(step, copied);
  });
});
