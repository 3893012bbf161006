import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readFile, rename, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { suite, test, type TestContext } from "node:test";
import { gzipSync } from "node:zlib";
import { digestOf } from "../../oci/mod.ts";
import { openInputs } from "./open-inputs.ts";

const signal = AbortSignal.timeout(600_000);

/** A directory with an `app`, and a function that opens inputs there. */
async function place(t: TestContext) {
  const cwd = await mkdtemp(join(tmpdir(), "polyarch-inputs-"));
  t.after(() => rm(cwd, { recursive: true }));
  await mkdir(join(cwd, "app"));
  await writeFile(join(cwd, "app/Dockerfile"), "FROM scratch\n");
  const open = async (
    context: string,
    {
      dockerfile = "",
      named = [] as string[],
      stdin = [] as readonly (string | Uint8Array)[],
      severalEngines = false,
    } = {},
  ) => {
    const inputs = await openInputs(
      { context, dockerfile, buildContexts: named },
      { cwd, stdin: Readable.from(stdin.map((chunk) => Buffer.from(chunk))), severalEngines, signal },
    );
    t.after(() => inputs[Symbol.asyncDispose]());
    return inputs;
  };
  return { cwd, open };
}

suite("a directory", () => {
  test("has its Dockerfile in it, in small letters too, or where --file says", async (t) => {
    const { cwd, open } = await place(t);
    const app = join(cwd, "app");
    await mkdir(join(cwd, "other"));
    await writeFile(join(cwd, "other/My.Dockerfile"), "");
    const plain = await open("./app/");
    assert.deepEqual(plain.attrs, { filename: "Dockerfile" });
    assert.deepEqual(plain.directories, { context: app, dockerfile: app });
    assert.equal(plain.context, app);
    const elsewhere = await open("app", { dockerfile: "other/My.Dockerfile" });
    assert.deepEqual(elsewhere.attrs, { filename: "My.Dockerfile" });
    assert.deepEqual(elsewhere.directories, { context: app, dockerfile: join(cwd, "other") });
    await rename(join(app, "Dockerfile"), join(app, "dockerfile"));
    assert.deepEqual((await open("app")).attrs, { filename: "dockerfile" });
  });

  test("goes with a Dockerfile from stdin, which is gone afterwards", async (t) => {
    const { cwd, open } = await place(t);
    const inputs = await open("app", { dockerfile: "-", stdin: ["FROM ", "scratch\n"] });
    assert.deepEqual(inputs.attrs, { filename: "Dockerfile", dockerfilekey: "dockerfile" });
    assert.equal(inputs.directories.context, join(cwd, "app"));
    const file = join(inputs.directories.dockerfile ?? "", "Dockerfile");
    assert.equal(await readFile(file, "utf8"), "FROM scratch\n");
    await inputs[Symbol.asyncDispose]();
    assert.equal(existsSync(file), false);
  });

  test("goes with a Dockerfile at an address", async (t) => {
    const { open } = await place(t);
    const server = createServer((request, response) => {
      if (request.url !== "/Dockerfile") response.statusCode = 404;
      response.end("FROM busybox\n");
    }).listen(0, "127.0.0.1");
    await once(server, "listening");
    t.after(() => server.close());
    const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const inputs = await open("app", { dockerfile: `${base}/Dockerfile` });
    assert.deepEqual(inputs.attrs, { filename: "Dockerfile", dockerfilekey: "dockerfile" });
    assert.equal(await readFile(join(inputs.directories.dockerfile ?? "", "Dockerfile"), "utf8"), "FROM busybox\n");
    await assert.rejects(open("app", { dockerfile: `${base}/none` }), {
      message: `failed to read dockerfile: failed to fetch ${base}/none: invalid response status 404`,
    });
  });
});

suite("stdin", () => {
  test("that is text is a Dockerfile, with an empty context", async (t) => {
    const { open } = await place(t);
    const inputs = await open("-", { stdin: ["FROM scratch\n"] });
    assert.deepEqual(inputs.attrs, { filename: "Dockerfile", dockerfilekey: "dockerfile" });
    assert.equal(inputs.context, undefined);
    assert.deepEqual(Object.keys(inputs.directories).toSorted(), ["context", "dockerfile"]);
    assert.notEqual(inputs.directories.context, inputs.directories.dockerfile);
  });

  for (const severalEngines of [false, true]) {
    test(`that is an archive is uploaded as it is${severalEngines ? ", to each engine" : ""}`, async (t) => {
      const { open } = await place(t);
      const archive = gzipSync(Buffer.alloc(5000, "x"));
      const stdin = [archive.subarray(0, 2), archive.subarray(2)];
      const inputs = await open("-", { stdin, severalEngines, dockerfile: "sub/Dockerfile" });
      const [id = ""] = Object.keys(inputs.uploads);
      assert.deepEqual(inputs.attrs, { context: `http://buildkit-session/${id}`, filename: "sub/Dockerfile" });
      assert.deepEqual(inputs.directories, {});
      const read = async () => Buffer.concat(await Array.fromAsync(inputs.uploads[id]?.() ?? []));
      assert.deepEqual(await read(), archive);
      if (severalEngines) assert.deepEqual(await read(), archive);
    });
  }
});

test("a remote context is named; a Dockerfile of this machine goes before its own", async (t) => {
  const { cwd, open } = await place(t);
  for (const context of [
    "https://example.org/x.git#main:dir",
    "git@github.com:a/b.git",
    "github.com/a/b",
    "https://example.org/x.tar.gz",
  ]) {
    const { attrs, directories } = await open(context);
    assert.deepEqual(attrs, { context, filename: "Dockerfile" });
    assert.deepEqual(directories, {});
  }
  const remote = "https://example.org/x.git";
  assert.deepEqual((await open(remote, { dockerfile: "sub/D" })).attrs, { context: remote, filename: "sub/D" });
  const own = await open(remote, { dockerfile: join(cwd, "app/Dockerfile") });
  assert.deepEqual(own.attrs, { context: remote, filename: "Dockerfile", dockerfilekey: "dockerfile" });
  assert.deepEqual(own.directories, { dockerfile: join(cwd, "app") });
  const query = `${remote}?branch=main&subdir=x`;
  assert.deepEqual((await open(query)).attrs, {
    context: query,
    filename: "Dockerfile",
    "frontend.caps": "moby.buildkit.frontend.gitquerystring",
  });
});

suite("--build-context", () => {
  const caps = { "frontend.caps": "moby.buildkit.frontend.contexts+forward" };

  test("names are normalized, directories offered, the rest passed on", async (t) => {
    const { cwd, open } = await place(t);
    const { attrs, directories } = await open("app", {
      named: [
        "docker.io/library/alpine:latest=docker-image://alpine:3.20",
        "golang:1.22=https://example.org/x.git",
        "data=first",
        "data=app",
        "context=app",
        "src=https://example.org/x.tar",
      ],
    });
    assert.deepEqual(attrs, {
      filename: "Dockerfile",
      "context:alpine": "docker-image://alpine:3.20",
      "context:golang:1.22": "https://example.org/x.git",
      "context:data": "local:data",
      "context:context": "local:_context",
      "context:src": "https://example.org/x.tar",
      ...caps,
    });
    const app = join(cwd, "app");
    assert.deepEqual(directories, { data: app, _context: app, context: app, dockerfile: app });
  });

  test("an OCI layout is offered under a name of its own, by tag or by digest", async (t) => {
    const { cwd, open } = await place(t);
    const layout = join(cwd, "layout");
    const manifest = Buffer.from("{}");
    const digest = digestOf(manifest);
    await mkdir(join(layout, "blobs/sha256"), { recursive: true });
    await writeFile(join(layout, "blobs/sha256", digest.slice("sha256:".length)), manifest);
    await writeFile(join(layout, "oci-layout"), '{"imageLayoutVersion":"1.0.0"}');
    const mediaType = "application/vnd.oci.image.manifest.v1+json";
    const annotations = { "org.opencontainers.image.ref.name": "v1" };
    const manifests = [{ mediaType, digest, size: manifest.length, annotations }];
    await writeFile(join(layout, "index.json"), JSON.stringify({ schemaVersion: 2, manifests }));
    for (const [text, tag] of [
      ["oci-layout://layout:v1", "v1"],
      [`oci-layout://${layout}@${digest}`, "latest"],
    ] as const) {
      const { attrs, layouts } = await open("app", { named: [`base=${text}`] });
      const [store = ""] = Object.keys(layouts);
      assert.deepEqual(attrs, {
        filename: "Dockerfile",
        "context:base": `oci-layout://${store}:${tag}@${digest}`,
        ...caps,
      });
      assert.deepEqual(Buffer.concat(await Array.fromAsync(layouts[store]?.read(digest) ?? [])), manifest);
    }
    assert.match(
      (await open("app", { named: ["base=oci-layout://layout"] })).attrs["context:base"] ?? "",
      /:latest@sha256:/,
    );
    await writeFile(
      join(layout, "index.json"),
      JSON.stringify({ schemaVersion: 2, manifests: [...manifests, ...manifests] }),
    );
    await assert.rejects(open("app", { named: ["base=oci-layout://layout"] }), {
      message: /^oci-layout reference "oci-layout:\/\/layout" could not be resolved: "latest" not found/,
    });
  });
});

suite("what cannot be meant", () => {
  const refused: [context: string, dockerfile: string, stdin: string, message: RegExp][] = [
    ["", "", "", /^please specify build context \(e\.g\. "\." for the current directory\)$/],
    ["/nonexistent/there", "", "", /^unable to prepare context: path "\/nonexistent\/there" not found$/],
    ["/dev/null", "", "", /^unable to prepare context: path "\/dev\/null" not found$/],
    ["app", "nowhere/D", "", /^failed to read dockerfile: open nowhere\/D: no such file or directory$/],
    ["-", "-", "", /^invalid argument: can't use stdin for both build context and dockerfile$/],
    ["-", "x", "FROM x", /^ambiguous Dockerfile source: both stdin and flag correspond to Dockerfiles$/],
    ["https://example.org/x.git?tag=a&branch=b", "", "", /^invalid git context .*: branch conflicts with tag$/],
  ];
  for (const [context, dockerfile, stdin, message] of refused) {
    test(`${JSON.stringify(context)} ${dockerfile}`, async (t) => {
      const { open } = await place(t);
      await assert.rejects(open(context, { dockerfile, stdin: [stdin] }), { message });
    });
  }
  for (const [named, message] of [
    ["nothing", /^invalid context value: nothing, expected key=value$/],
    ["Upper=app", /^invalid context name Upper: /],
    ["data=target:other", /^failed to find target other for context data$/],
    ["data=nowhere", /^failed to get build context data: stat nowhere: no such file or directory$/],
    ["data=app/Dockerfile", /^failed to get build context path app\/Dockerfile: not a directory$/],
  ] as const) {
    test(`--build-context ${named}`, async (t) => {
      const { open } = await place(t);
      await assert.rejects(open("app", { named: [named] }), { message });
    });
  }

  test("a Dockerfile that does not end", async (t) => {
    const { open } = await place(t);
    const chunk = Buffer.alloc(1024 * 1024, "#");
    const message = "Dockerfile on stdin bigger than allowed max size (2MB)";
    await assert.rejects(open("-", { stdin: [chunk, chunk, chunk] }), { message });
  });
});
