import assert from "node:assert/strict";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { suite, test } from "node:test";
import { must, serveFiles } from "../lab/mod.ts";
import { openHouse, differs } from "./harness.ts";

const house = await openHouse();

const data = await house.context({ a: "a\n", "dir/b": "b\n", secret: "s\n", ".dockerignore": "secret\n" });

/** An image of the test's own, with a file that tells it apart and a variable. */
async function pushed(name: string, word: string): Promise<string> {
  const image = `${house.registry.host}/${name}`;
  const context = await house.context({ Dockerfile: `FROM scratch\nENV WORD=${word}\nCOPY word /word\n`, word });
  await house.build(context, ["--tag", image, "--push", "--provenance=false"]);
  return image;
}
const image = await pushed("named-one:v1", "one");

async function layout(): Promise<string> {
  const directory = await house.directory();
  await must("skopeo", ["copy", "-q", "--src-tls-verify=false", `docker://${image}`, `oci:${directory}/layout:v1`]);
  return join(directory, "layout");
}

suite("a directory under a name", () => {
  test("is taken from by COPY, RUN mounts and FROM, but for what its own .dockerignore says", async () => {
    const context = await house.context({
      Dockerfile: `
        FROM ${house.base} AS run
        RUN --network=none --mount=type=bind,from=data,target=/d cat /d/a /d/dir/b > /both
        FROM data AS all
        FROM scratch
        COPY --from=data dir /dir
        COPY --from=run /both /
        COPY --from=all / /all
      `,
    });
    const out = await house.exported(context, [`--build-context=data=${data}`]);
    assert.equal(await readFile(join(out, "both"), "utf8"), "a\nb\n");
    assert.deepEqual(await readdir(join(out, "dir")), ["b"]);
    assert.deepEqual((await readdir(join(out, "all"))).toSorted(), [".dockerignore", "a", "dir"]);
  });

  test("stands in place of a stage, whose steps do not run", async () => {
    const context = await house.context({
      Dockerfile: `
        FROM ${house.base} AS data
        RUN --network=none false
        FROM scratch
        COPY --from=data a /
      `,
    });
    assert.deepEqual(await readdir(await house.exported(context, [`--build-context=data=${data}`])), ["a"]);
    assert.deepEqual(
      (await readdir(await house.exported(context, [`--build-context=data=${data}`, "--target=data"]))).toSorted(),
      [".dockerignore", "a", "dir"],
    );
  });
});

suite("an image under a name", () => {
  test("stands in place of the image of that name, with its settings; the tag latest may be left out", async () => {
    const base = await house.context({ Dockerfile: "FROM alpine\nCOPY more /\n", more: "" });
    for (const name of ["alpine", "alpine:latest", "docker.io/library/alpine"]) {
      const args = [`--build-context=${name}=docker-image://${image}`];
      assert.deepEqual((await readdir(await house.exported(base, args))).toSorted(), ["more", "word"]);
    }
    const config = await house.configOf(base, [`--build-context=alpine=docker-image://${image}`, "--provenance=false"]);
    assert.ok((config.config["Env"] as string[]).includes("WORD=one"));
    const tagged = await house.context({ Dockerfile: "FROM alpine:3\nCOPY --from=golang:1.22 word /again\n" });
    const both = ["alpine:3", "golang:1.22"].map((name) => `--build-context=${name}=docker-image://${image}`);
    assert.deepEqual((await readdir(await house.exported(tagged, both))).toSorted(), ["again", "word"]);
  });

  test("may be empty", async () => {
    const context = await house.context({ Dockerfile: "FROM base\nCOPY only /\n", only: "" });
    assert.deepEqual(await readdir(await house.exported(context, ["--build-context=base=docker-image://scratch"])), [
      "only",
    ]);
  });

  test("comes out of an OCI layout, by tag or digest", async () => {
    const path = await layout();
    const context = await house.context({ Dockerfile: "FROM base AS b\nFROM scratch\nCOPY --from=b word /\n" });
    const out = await house.exported(context, [`--build-context=base=oci-layout://${path}:v1`]);
    assert.equal(await readFile(join(out, "word"), "utf8"), "one");
    const index = JSON.parse(await readFile(join(path, "index.json"), "utf8")) as { manifests: { digest: string }[] };
    const digest = index.manifests[0]?.digest ?? "";
    await house.build(context, ["--no-cache", `--build-context=base=oci-layout://${path}@${digest}`]);
    // There is only one image in it: no tag is needed.
    await house.build(context, ["--no-cache", `--build-context=base=oci-layout://${path}`]);
    const { stderr } = await house.fails(context, [`--build-context=base=oci-layout://${path}/none`]);
    assert.match(stderr, /oci-layout reference "oci-layout:.*none" could not be resolved/);
  });
});

test("a file behind an address is taken under its name", {
  skip: differs("fails there: invalid argument"),
}, async () => {
  await using server = await serveFiles({ "/files/data.txt": "fetched\n" });
  const context = await house.context({ Dockerfile: "FROM scratch\nCOPY --from=remote data.txt /\n" });
  const out = await house.exported(context, [`--build-context=remote=${server.address}/files/data.txt`]);
  assert.equal(await readFile(join(out, "data.txt"), "utf8"), "fetched\n");
});

test("what cannot be meant is refused in docker buildx's words", async () => {
  const context = await house.context({ Dockerfile: "FROM base\n" });
  const cases: [value: string, message: RegExp][] = [
    ["nothing", /invalid context value: nothing, expected key=value/],
    ["Base=.", /invalid context name Base: invalid reference format: repository name .*must be lowercase/],
    [
      "base=/nonexistent/there",
      /failed to get build context base: stat \/nonexistent\/there: no such file or directory/,
    ],
    ["base=target:other", /failed to find target other for context base/],
  ];
  for (const [value, message] of cases) {
    assert.match((await house.fails(context, [`--build-context=${value}`])).stderr, message);
  }
});
