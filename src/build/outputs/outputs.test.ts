import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { suite, test } from "node:test";
import { annotationAttrs } from "./annotations.ts";
import { checkTargets } from "./check-targets.ts";
import { type Output, parseOutput } from "./output.ts";
import { fitToDockerEngines } from "./fit-docker-engine.ts";
import { type OutputTarget, type OutputWishes, planOutputs } from "./plan-outputs.ts";

suite("parseOutput()", () => {
  const cases: [string, Output][] = [
    ["out", { type: "local", attrs: {}, dest: "out" }],
    ["./a=b", { type: "local", attrs: {}, dest: "./a=b" }],
    ["-", { type: "tar", attrs: {}, dest: "-" }],
    ["type=local,dest=out", { type: "local", attrs: {}, dest: "out" }],
    ["type=image", { type: "image", attrs: {} }],
    ["type=registry", { type: "image", attrs: { push: "true" } }],
    ["type=registry,push=false", { type: "image", attrs: { push: "true" } }],
    ["Type=image, Compression =zstd", { type: "image", attrs: { compression: "zstd" } }],
    ['type=image,"name=a,b"', { type: "image", attrs: { name: "a,b" } }],
    ["type=nonsense", { type: "nonsense", attrs: {} }],
  ];
  for (const [text, want] of cases) test(`reads ${text}`, () => assert.deepEqual(parseOutput(text), want));
  const refused: [string, string | RegExp][] = [
    ["dest=out", "type is required for output"],
    ["type=,dest=x", "type is required for output"],
    ["foo,bar", "invalid value foo"],
    ['type=image,name="a,b"', /^invalid value .*bare "/],
  ];
  for (const [text, message] of refused)
    test(`refuses ${text}`, () => assert.throws(() => parseOutput(text), { message }));
});

test("annotations become attributes of exporters of images, and need an index where they speak of one", () => {
  const annotations = annotationAttrs(["a=1", "index,manifest[linux/arm64]:b=2=3"]);
  const [image, local] = planOutputs({
    outputs: ["type=image", "type=local,dest=out"].map(parseOutput),
    annotations,
    push: false,
    load: false,
    tags: [],
    platforms: 2,
    attested: false,
    stdoutIsTty: false,
    defaultLoad: false,
  }).outputs;
  assert.deepEqual(image?.attrs, {
    "annotation.a": "1",
    "annotation-index.b": "2=3",
    "annotation-manifest[linux/arm64].b": "2=3",
  });
  assert.deepEqual(local?.attrs, {});
  assert.throws(() => annotationAttrs(["moon:a=1"]), { message: 'unknown annotation type "moon"' });
});

suite("planOutputs()", () => {
  const plan = (outputs: string[], wishes: Partial<OutputWishes> = {}) =>
    planOutputs({
      outputs: outputs.map(parseOutput),
      annotations: {},
      push: false,
      load: false,
      tags: ["docker.io/library/x:latest"],
      platforms: 1,
      attested: false,
      stdoutIsTty: false,
      defaultLoad: false,
      ...wishes,
    });
  const name = "docker.io/library/x:latest";

  test("keeps a build without outputs in the cache, and knows that nobody asked for that", () => {
    assert.deepEqual(plan([]), { outputs: [], cacheOnlyByDefault: true });
    assert.deepEqual(plan(["type=cacheonly"]), { outputs: [], cacheOnlyByDefault: false });
    assert.equal(plan([], { defaultLoad: true }).outputs[0]?.target.type, "docker-engine");
  });
  test("pushes what --push asks for: the image outputs, or one that is added", () => {
    const pushed = { exporter: "image", attrs: { push: "true", name }, target: { type: "none" } };
    assert.deepEqual(plan([], { push: true }).outputs, [pushed]);
    assert.deepEqual(plan(["type=image"], { push: true }).outputs, [pushed]);
    assert.deepEqual(plan(["type=local,dest=x"], { push: true }).outputs[1], pushed);
  });
  test("loads once, beside an archive that goes elsewhere", () => {
    const types = (outputs: string[]) => plan(outputs, { load: true }).outputs.map(({ target }) => target.type);
    assert.deepEqual(types([]), ["docker-engine"]);
    assert.deepEqual(types(["type=docker"]), ["docker-engine"]);
    assert.deepEqual(types(["type=docker,dest=x.tar"]), ["file", "docker-engine"]);
  });
  test("names images after their tags, and by names of their own where there are none", () => {
    assert.equal(plan(["type=oci,dest=x"]).outputs[0]?.attrs.name, name);
    assert.equal(plan(["type=image,name=y"]).outputs[0]?.attrs.name, name);
    assert.equal(plan(["type=image,name=y"], { tags: [] }).outputs[0]?.attrs.name, "y");
    assert.equal(plan(["type=tar,dest=x"]).outputs[0]?.attrs.name, undefined);
  });
  test("sends archives to a file or stdout", () => {
    const target = (text: string): OutputTarget | undefined => plan([text]).outputs[0]?.target;
    assert.deepEqual(target("type=tar,dest=x.tar"), { type: "file", path: "x.tar" });
    assert.deepEqual(target("type=tar"), { type: "stdout" });
    assert.deepEqual(target("type=docker,dest=-"), { type: "stdout" });
    assert.deepEqual(target("out"), { type: "directory", path: "out", mode: "copy" });
  });

  const refused: [string, string[], Partial<OutputWishes>, string | RegExp][] = [
    ["a push without a name", [], { push: true, tags: [] }, "tag is needed when pushing to registry"],
    ["a registry output without a name", ["type=registry"], { tags: [] }, "tag is needed when pushing to registry"],
    [
      "several platforms in Docker's archive",
      ["type=docker,dest=x"],
      { platforms: 2 },
      "docker exporter does not support exporting manifest lists, use the oci exporter instead",
    ],
    [
      "an archive on a terminal",
      ["type=oci"],
      { stdoutIsTty: true },
      "dest file is required for oci exporter. refusing to write to console",
    ],
    [
      "- on a terminal",
      ["-"],
      { stdoutIsTty: true },
      "dest file is required for tar exporter. refusing to write to console",
    ],
    ["a layout without a place", ["type=oci,tar=false"], {}, "dest is required for oci exporter"],
    ["a layout on stdout", ["type=docker,tar=0,dest=-"], {}, "dest cannot be stdout for docker exporter"],
    ["a layout that is no boolean", ["type=oci,tar=maybe,dest=x"], {}, "non-bool value specified for tar"],
    ["files without a place", ["type=local"], {}, "dest is required for local exporter"],
    ["stdout twice", ["-", "type=oci"], {}, "multiple outputs configured to write to stdout"],
    ["a push that is no boolean", ["type=image,push=maybe"], {}, "non-bool value specified for push"],
    ["a place for what has none", ["type=image,dest=x"], {}, "output of type image does not take a dest"],
    ["an unknown mode", ["type=local,dest=x,mode=move"], {}, 'invalid local exporter mode "move"'],
  ];
  for (const [what, outputs, wishes, message] of refused) {
    test(`refuses ${what}`, () => assert.throws(() => plan(outputs, wishes), { message }));
  }
});

test("checkTargets() spells paths out, and refuses places that cannot take what comes", async (t) => {
  const root = await mkdtemp(join(tmpdir(), "polyarch-targets-"));
  t.after(() => rm(root, { recursive: true }));
  const cwd = join(root, "cwd");
  await mkdir(join(cwd, "directory"), { recursive: true });
  await writeFile(join(cwd, "file"), "");
  const check = async (target: OutputTarget, mayDelete = false) =>
    (await checkTargets([{ exporter: "x", attrs: {}, target }], cwd, { mayDelete }))[0]?.target;
  assert.deepEqual(await check({ type: "file", path: "file" }), { type: "file", path: join(cwd, "file") });
  assert.deepEqual(await check({ type: "directory", path: "not/yet", mode: "copy" }), {
    type: "directory",
    path: join(cwd, "not/yet"),
    mode: "copy",
  });
  await assert.rejects(check({ type: "file", path: "directory" }), {
    message: "destination file directory is a directory",
  });
  await assert.rejects(check({ type: "file", path: "nowhere/x.tar" }), { message: /cannot write nowhere\/x\.tar/ });
  await assert.rejects(check({ type: "directory", path: "file/x", mode: "copy" }), {
    message: /invalid destination directory: file\/x/,
  });
  await symlink("/", join(cwd, "root"));
  const emptied = (path: string): OutputTarget => ({ type: "directory", path, mode: "delete" });
  for (const path of [".", "..", "/", "root", "root/none", "directory/../..", join(root, "x")]) {
    await assert.rejects(check(emptied(path)), {
      code: "permission_denied",
      message: /--allow=buildx\.local\.delete$/,
    });
    assert.equal((await check(emptied(path), true))?.type, "directory");
  }
  assert.deepEqual(await check(emptied("directory/new")), emptied(join(cwd, "directory/new")));
});

suite("fitToDockerEngines()", () => {
  const { outputs } = planOutputs({
    outputs: ["type=docker,context=far", "type=docker,dest=x.tar"].map(parseOutput),
    annotations: {},
    push: false,
    load: false,
    tags: [],
    platforms: 1,
    attested: false,
    stdoutIsTty: false,
    defaultLoad: false,
  });
  test("sends an OCI layout to an engine that imports those, whose images their digests identify", async () => {
    const [loaded, archive] = await fitToDockerEngines(outputs, { isIndex: true }, async (name) => name === "far");
    const attrs = { context: "far", "prefer-image-digest": "true" };
    assert.deepEqual(loaded, { exporter: "oci", attrs, target: { type: "docker-engine", context: "far" } });
    assert.equal(archive, outputs[1]);
  });
  test("sends Docker's own archive to others, and refuses an index", async () => {
    const others = () => Promise.resolve(false);
    assert.deepEqual(await fitToDockerEngines(outputs, { isIndex: false }, others), outputs);
    await assert.rejects(fitToDockerEngines(outputs, { isIndex: true }, others), {
      message: "docker exporter does not currently support exporting manifest lists",
    });
  });
});
