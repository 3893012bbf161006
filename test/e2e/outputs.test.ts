import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, readFile, readdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { describe, test } from "node:test";
import { must, polyarchProgram, startDocker, startTlsProxy } from "../lab/mod.ts";
import { imageConfig, listTar, openHouse, readMetadata, differs } from "./harness.ts";

const house = await openHouse();
const context = await house.context({
  Dockerfile: `
    FROM ${house.base}
    ARG TARGETPLATFORM
    RUN echo \${TARGETPLATFORM} > /platform && mkdir /owned && echo x > /owned/file && chown 12:34 /owned/file
    CMD ["cat", "/platform"]
  `,
});
const both = "linux/amd64,linux/arm64";

describe("-o type=local", () => {
  test("writes the files into a directory, which is made", async () => {
    const dest = join(await house.directory(), "not", "there", "yet");
    await house.build(context, ["-o", `type=local,dest=${dest}`]);
    assert.equal(await readFile(join(dest, "platform"), "utf8"), "linux/amd64\n");
  });

  test("-o PATH means the same", async () => {
    const dest = join(await house.directory(), "out");
    await house.build(context, ["-o", dest]);
    assert.equal(await readFile(join(dest, "platform"), "utf8"), "linux/amd64\n");
  });

  test("several platforms get a directory each", async () => {
    const dest = await house.directory();
    await house.build(context, ["--platform", both, "-o", `type=local,dest=${dest}`]);
    assert.deepEqual((await readdir(dest)).toSorted(), ["linux_amd64", "linux_arm64"]);
    assert.equal(await readFile(join(dest, "linux_arm64/platform"), "utf8"), "linux/arm64\n");
  });

  test("what stands there already stays, and a file of the same name is replaced", async () => {
    const dest = await house.directory();
    await writeFile(join(dest, "mine"), "mine");
    await writeFile(join(dest, "platform"), "old and longer than the new one");
    await house.build(context, ["-o", `type=local,dest=${dest}`]);
    assert.equal(await readFile(join(dest, "mine"), "utf8"), "mine");
    assert.equal(await readFile(join(dest, "platform"), "utf8"), "linux/amd64\n");
  });
});

describe("-o type=local,mode=delete", { skip: differs("an older BuildKit does not know it") }, () => {
  test("leaves nothing else, of one platform or of several", async () => {
    const dest = await house.directory();
    for (const [args, want] of [
      [[], /^bin$/m],
      [["--platform", both], /^linux_amd64\nlinux_arm64$/],
    ] as const) {
      await writeFile(join(dest, "old"), "old");
      const cwd = dirname(dest);
      await house.build(context, [...args, "-o", `type=local,dest=${dest},mode=delete`], { cwd });
      const names = (await readdir(dest)).toSorted();
      assert.match(names.join("\n"), want);
      assert.ok(!names.includes("old"));
    }
  });

  test("elsewhere than below the working directory it has to be granted", async () => {
    const dest = await house.directory();
    await writeFile(join(dest, "old"), "old");
    const args = ["-o", `type=local,dest=${dest},mode=delete`];
    const cwd = await house.directory();
    const { stderr } = await house.fails(context, args, { cwd });
    assert.match(stderr, /mode=delete removes everything else from .* --allow=buildx\.local\.delete/);
    assert.deepEqual(await readdir(dest), ["old"]);
    await house.build(context, [...args, "--allow=buildx.local.delete"], { cwd });
    assert.ok(!(await readdir(dest)).includes("old"));
  });
});

describe("-o type=tar", () => {
  test("writes one tar with owners and modes", async () => {
    const listed = await house.listed(context);
    assert.match(listed.get("owned/file") ?? "", /^-rw-r--r-- 12\/34 /);
    assert.match(listed.get("tmp") ?? "", /^drwxrwxrwt /);
  });

  test("-o - writes it to stdout, and nothing else does", async () => {
    const { stdout } = await house.build(context, ["-o", "-"], {});
    assert.match(stdout, /linux\/amd64\n/);
    const tar = join(await house.directory(), "stdout.tar");
    await must("sh", ["-c", `exec "$0" "$@" > ${tar}`, ...house.commandLine(["build", "-o", "-", context])], {
      env: house.env,
    });
    assert.ok((await listTar(tar)).has("platform"));
  });
});

describe("-o type=oci", () => {
  test("is a layout in a tar that skopeo reads, with its names", async () => {
    const tar = join(await house.directory(), "image.tar");
    await house.build(context, ["--platform", both, "-t", "example.org/some/name:v1", "-o", `type=oci,dest=${tar}`]);
    const dir = await house.directory();
    await must("tar", ["-C", dir, "-xf", tar]);
    assert.deepEqual(JSON.parse(await readFile(join(dir, "oci-layout"), "utf8")), { imageLayoutVersion: "1.0.0" });
    const index = JSON.parse(await readFile(join(dir, "index.json"), "utf8"));
    assert.equal(index.manifests[0].annotations["org.opencontainers.image.ref.name"], "v1");
    assert.equal(index.manifests[0].annotations["io.containerd.image.name"], "example.org/some/name:v1");
    const copy = join(await house.directory(), "copy");
    await must("skopeo", ["copy", "--quiet", "--all", `oci-archive:${tar}`, `oci:${copy}:copy`]);
  });
});

describe("-o type=oci,tar=false", () => {
  interface LayoutIndex {
    readonly manifests: readonly { readonly digest: string; readonly annotations: Record<string, string> }[];
  }
  const indexOf = async (layout: string) =>
    JSON.parse(await readFile(join(layout, "index.json"), "utf8")) as LayoutIndex;
  const names = async (layout: string) =>
    (await indexOf(layout)).manifests.map(({ annotations }) => [
      annotations["io.containerd.image.name"],
      annotations["org.opencontainers.image.ref.name"],
    ]);
  const args = (layout: string, more = "") => ["-o", `type=oci,tar=false,dest=${layout}${more}`];

  test("is a layout in a directory, with the image under each of its names", async () => {
    const layout = join(await house.directory(), "made/for/it");
    const tags = ["-t", "example.org/some/name:v1", "-t", "example.org/other"];
    await house.build(context, ["--platform", both, ...tags, ...args(layout)]);
    assert.deepEqual(JSON.parse(await readFile(join(layout, "oci-layout"), "utf8")), { imageLayoutVersion: "1.0.0" });
    assert.deepEqual(await names(layout), [
      ["example.org/some/name:v1", "v1"],
      ["example.org/other:latest", "latest"],
    ]);
    // Every blob is there, and is what it is called.
    await must("skopeo", ["copy", "--quiet", "--all", `oci:${layout}:v1`, `oci:${join(layout, "../copy")}:copy`]);
    assert.deepEqual(await readdir(join(layout, "ingest")), []);
  });

  test("keeps what is there, and replaces what has the same name", async () => {
    const layout = await house.directory();
    await house.build(context, ["-t", "a:1", ...args(layout)]);
    await house.build(context, ["-t", "a:2", ...args(layout)]);
    const [first] = (await indexOf(layout)).manifests;
    await house.build(context, ["-t", "a:1", "--label", "new=1", ...args(layout)]);
    const { manifests } = await indexOf(layout);
    assert.deepEqual(await names(layout), [
      ["docker.io/library/a:2", "2"],
      ["docker.io/library/a:1", "1"],
    ]);
    assert.equal(manifests[0]?.digest, first?.digest);
    assert.notEqual(manifests[1]?.digest, first?.digest);
    const config = await imageConfig(`oci:${layout}:1`);
    assert.deepEqual(config.config["Labels"], { new: "1" });
    assert.deepEqual(config.config["Cmd"], ["cat", "/platform"]);
  });

  test("without a name is the latest, and can be built from", async () => {
    const layout = await house.directory();
    await house.build(context, args(layout));
    assert.deepEqual(await names(layout), [[undefined, "latest"]]);
    const next = await house.context({ Dockerfile: "FROM made\nCOPY more /\n", more: "" });
    const out = await house.exported(next, [`--build-context=made=oci-layout://${layout}`]);
    assert.equal(await readFile(join(out, "platform"), "utf8"), "linux/amd64\n");
  });

  test("is one in a build, and wants a directory", async () => {
    const layout = await house.directory();
    const twice = await house.fails(context, [...args(layout), ...args(join(layout, "other"))]);
    assert.match(twice.stderr, /oci store key "export" already exists/);
    await writeFile(join(layout, "file"), "");
    assert.match((await house.fails(context, args(join(layout, "file")))).stderr, /invalid destination directory/);
    assert.match((await house.fails(context, args(""))).stderr, /dest is required for oci exporter/);
  });
});

describe("docker", () => {
  test("type=docker is an archive that `docker load` takes", async () => {
    const tar = join(await house.directory(), "docker.tar");
    await house.build(context, ["-t", "loaded:one", "-o", `type=docker,dest=${tar}`]);
    const config = await imageConfig(`docker-archive:${tar}`);
    assert.deepEqual(config.config["Cmd"], ["cat", "/platform"]);
    await using docker = await startDocker("stable");
    const load = await docker.docker(["load", "--input", tar]);
    assert.equal(load.code, 0, load.stderr);
    const ran = await docker.docker(["run", "--rm", "--network=none", "loaded:one"]);
    assert.equal(ran.stdout, "linux/amd64\n", ran.stderr);

    await house.build(context, ["-t", "loaded:two", "--load"], {
      env: { DOCKER_HOST: docker.host, BUILDX_BUILDER: "embedded" },
    });
    const again = await docker.docker(["run", "--rm", "--network=none", "loaded:two"]);
    assert.equal(again.stdout, "linux/amd64\n", again.stderr);
  });

  test("--load of several platforms is refused with BuildKit's words", {
    skip: differs("the containerd image store takes it"),
  }, async () => {
    const { stderr, code } = await house.fails(context, ["--platform", both, "-t", "x", "--load"]);
    assert.equal(code, 1);
    assert.match(stderr, /docker exporter does not currently support exporting manifest lists/);
  });

  test("--load without a Docker Engine says so", async () => {
    const { stderr, code } = await house.fails(context, ["-t", "x", "--load"], {
      env: { DOCKER_HOST: "unix:///nonexistent/docker.sock", BUILDX_BUILDER: "embedded" },
    });
    assert.equal(code, 1);
    assert.match(stderr, /\/nonexistent\/docker\.sock/);
  });
});

describe("-o type=image", () => {
  test("registry.insecure=true pushes to a registry whose certificate nobody has vouched for", {
    skip: differs("nobody has to vouch for a registry on the same machine"),
  }, async () => {
    const certs = join(await house.directory(), "certs");
    await must(polyarchProgram, ["daemon", "certs", certs]);
    const secure = house.own(await startTlsProxy(house.registry.host, join(certs, "daemon")));
    const output = (image: string) => `type=image,name=${secure.host}/${image},push=true`;
    const refused = await house.fails(context, ["-o", output("refused")]);
    assert.match(refused.stderr, /failed to push 127\.0\.0\.1:\d+\/refused/);
    const cases = [
      ["insecure", [context, "--platform", "linux/amd64"]],
      ["insecure-both", [context, "--platform", both]],
    ] as const;
    for (const [image, [path, ...args]] of cases) {
      await house.build(path, [...args, "-o", `${output(image)},registry.insecure=true`]);
      assert.equal((await imageConfig(`docker://${house.registry.host}/${image}`)).os, "linux");
    }
  });

  test("dangling-name-prefix names an image by its digest", {
    skip: differs("the engine inside Docker has names of its own"),
  }, async () => {
    const file = join(await house.directory(), "metadata.json");
    const repository = `${house.registry.host}/dangling`;
    const output = `type=image,dangling-name-prefix=${repository},name-canonical=true,store=true`;
    await house.build(context, ["-o", output, "--metadata-file", file]);
    const metadata = await readMetadata(file);
    const name = `${repository}@${String(metadata["containerimage.digest"])}`;
    assert.equal(metadata["image.name"], name);
    const named = `type=image,name=${house.registry.host}/named:1,dangling-name-prefix=${repository}`;
    await house.build(context, ["-o", named, "--metadata-file", file]);
    assert.equal((await readMetadata(file))["image.name"], `${house.registry.host}/named:1,${name}`);
    await house.build(context, ["-o", `${named},danging-name-empty-only=true`, "--metadata-file", file]);
    assert.equal((await readMetadata(file))["image.name"], `${house.registry.host}/named:1`);
  });

  test("a layer that its owner keeps for himself is distributed like others, unless prefer-nondist-layers=true", async () => {
    const layout = await house.directory();
    const digest = await writeKeptImage(layout, "https://example.com/layer");
    const from = await house.context({ Dockerfile: "FROM kept\nCOPY Dockerfile /\n" });
    for (const prefer of [false, true]) {
      const dest = await house.directory();
      const more = `prefer-nondist-layers=${prefer}`;
      const args = [
        "--build-context",
        `kept=oci-layout://${layout}@${digest}`,
        "-o",
        `type=oci,tar=false,dest=${dest},${more}`,
      ];
      await house.build(from, args);
      const { layers } = await onlyManifest(dest);
      assert.equal(layers.length, 2);
      for (const [at, { mediaType, urls }] of layers.entries()) {
        const stays = prefer && at === 0;
        assert.equal(mediaType.includes("nondistributable"), stays, mediaType);
        assert.deepEqual(urls, stays ? ["https://example.com/layer"] : undefined);
      }
    }
  });

  test("prefer-image-digest takes the manifest for the image's identity", {
    skip: differs("an older BuildKit does not know it"),
  }, async () => {
    const file = join(await house.directory(), "iid");
    const output = `type=image,name=${house.registry.host}/preferred,push=true,prefer-image-digest=true`;
    await house.build(context, ["-o", output, "--iidfile", file]);
    const args = ["inspect", "--tls-verify=false", "--format", "{{.Digest}}"];
    const digest = await must("skopeo", [...args, `docker://${house.registry.host}/preferred`]);
    assert.equal(await readFile(file, "utf8"), digest.trim());
  });
});

describe("what a build tells", () => {
  test("--metadata-file has the digest, the descriptor and the names", {
    skip: differs("the engine inside Docker pushes in Docker's formats"),
  }, async () => {
    const image = `${house.registry.host}/metadata:latest`;
    const file = join(await house.directory(), "metadata.json");
    await house.build(context, ["--platform", both, "-t", image, "--push", "--metadata-file", file]);
    const metadata = await readMetadata(file);
    const digest = (
      await must("skopeo", ["inspect", "--tls-verify=false", "--format", "{{.Digest}}", `docker://${image}`])
    ).trim();
    assert.equal(metadata["containerimage.digest"], digest);
    const descriptor = metadata["containerimage.descriptor"] as Record<string, unknown>;
    assert.equal(descriptor["digest"], digest);
    assert.equal(descriptor["mediaType"], "application/vnd.oci.image.index.v1+json");
    assert.equal(metadata["image.name"], image);
    assert.match(String(metadata["buildx.build.ref"]), /^[^/]+\/[^/]+\/[a-z0-9]+$/);
  });

  test("the descriptor of the whole image has its annotations, and the time of the build where that is laid down", {
    skip: differs("an older BuildKit tells it otherwise"),
  }, async () => {
    const dir = await house.directory();
    const file = join(dir, "metadata.json");
    const created = { "org.opencontainers.image.created": "2001-09-09T01:46:40Z" };
    const cases = [
      { output: `type=image,name=${house.registry.host}/described,push=true`, annotations: { a: "b" } },
      { output: `type=oci,dest=${dir}/x.tar`, annotations: { a: "b", ...created } },
    ];
    for (const { output, annotations } of cases) {
      const epoch = ["--build-arg", "SOURCE_DATE_EPOCH=1000000000", "--annotation", "index-descriptor:a=b"];
      await house.build(context, ["--platform", both, ...epoch, "-o", output, "--metadata-file", file]);
      const descriptor = (await readMetadata(file))["containerimage.descriptor"] as Record<string, unknown>;
      assert.deepEqual(descriptor["annotations"], annotations);
    }
    const index = JSON.parse(await must("tar", ["-xOf", join(dir, "x.tar"), "index.json"])) as LayoutIndex;
    assert.deepEqual(index.manifests[0]?.annotations, { a: "b", ...created });
  });

  test("the descriptor of an image for one platform names that, and has the annotations of a manifest's descriptor", {
    skip: differs("an older BuildKit tells it otherwise"),
  }, async () => {
    const dir = await house.directory();
    const file = join(dir, "metadata.json");
    const args = ["--platform=linux/arm64", "--annotation=manifest-descriptor:a=b", `--metadata-file=${file}`];
    await house.build(context, [...args, "-o", `type=oci,dest=${dir}/x.tar`]);
    const descriptor = (await readMetadata(file))["containerimage.descriptor"];
    const index = JSON.parse(await must("tar", ["-xOf", join(dir, "x.tar"), "index.json"])) as { manifests: unknown[] };
    assert.deepEqual(index.manifests, [descriptor]);
    const { annotations, platform } = descriptor as Record<string, unknown>;
    assert.deepEqual(
      { annotations, platform },
      { annotations: { a: "b" }, platform: { architecture: "arm64", os: "linux" } },
    );
  });

  test("an annotation for a platform that is not built is refused", async () => {
    const { stderr } = await house.fails(context, [
      "--platform",
      both,
      "--annotation=manifest[linux/s390x]:a=b",
      "-o",
      "type=image",
    ]);
    assert.match(stderr, /invalid annotation: no platform linux\/s390x found in source/);
  });

  test("annotations of an index are refused where there is none", async () => {
    const { stderr } = await house.fails(context, ["--annotation=index:a=b", "-o", "type=image"]);
    assert.match(stderr, /index annotations not supported for single platform export/);
  });

  test("--iidfile and --quiet tell the image's ID, and --quiet nothing else", async () => {
    const image = `${house.registry.host}/iid:latest`;
    const file = join(await house.directory(), "iid");
    const quiet = await house.polyarch(["build", "--quiet", "-t", image, "--push", "--iidfile", file, context]);
    assert.equal(quiet.code, 0, quiet.stderr);
    assert.equal(quiet.stderr, "");
    const iid = await readFile(file, "utf8");
    assert.match(iid, /^sha256:[0-9a-f]{64}$/);
    assert.equal(quiet.stdout, `${iid}\n`);
  });

  test("without an output the build stays in the cache, with buildx's warning", {
    skip: differs("the image is kept in Docker's store"),
  }, async () => {
    const { stderr } = await house.build(context);
    assert.match(
      stderr,
      /No output specified with \S+ driver\. Build result will only remain in the build cache\. To push result image into registry use --push or to load image into docker use --load/,
    );
  });

  test("BUILDX_NO_DEFAULT_LOAD silences that warning, when it is true", {
    skip: differs("the image is kept in Docker's store"),
  }, async () => {
    for (const [value, warns] of [
      ["1", false],
      ["true", false],
      ["0", true],
      ["false", true],
    ] as const) {
      const { stderr } = await house.build(context, [], { env: { BUILDX_NO_DEFAULT_LOAD: value } });
      assert.equal(stderr.includes("No output specified"), warns, value);
    }
  });

  test("several outputs come from one build", async () => {
    const dir = await house.directory();
    await mkdir(join(dir, "files"));
    const image = `${house.registry.host}/several:latest`;
    await house.build(context, [
      `--tag=${image}`,
      "--push",
      `--output=type=local,dest=${dir}/files`,
      `--output=type=tar,dest=${dir}/files.tar`,
    ]);
    assert.equal(await readFile(join(dir, "files/platform"), "utf8"), "linux/amd64\n");
    assert.ok((await listTar(join(dir, "files.tar"))).has("platform"));
    assert.ok(await imageConfig(`docker://${image}`));
  });

  test("an output that cannot be is refused before anything is built", async () => {
    const dest = join(await house.directory(), "x");
    const cases: [args: string[], want: RegExp][] = [
      [["-o", `dest=${dest},name=y`], /type is required for output/],
      [["-o", "type=local"], /dest is required for local exporter|dest(ination)? (directory )?is required/],
      [["-o", `type=nonsense,dest=${dest}`], /nonsense/],
      [["--push"], /tag is needed when pushing to registry/],
    ];
    if (!differs("what Docker's formats have no place for is left out without a word")) {
      const output = `type=oci,dest=${dest},oci-mediatypes=false`;
      cases.push(
        [["-o", `${output},oci-artifact=true`], /"oci-artifact=true" conflicts with "oci-mediatypes=false"/],
        [
          ["-o", output, "--annotation", "index:a=b", "--platform", both],
          /cannot export annotations with "oci-mediatypes=false"/,
        ],
      );
    }
    for (const [args, want] of cases) {
      const { stderr, code, ms } = await house.fails(context, args);
      assert.equal(code, 1);
      assert.match(stderr, want);
      assert.ok(ms < 60_000);
    }
    assert.ok(!existsSync(dest));
  });
});

interface LayoutIndex {
  readonly manifests: readonly { readonly digest: string; readonly annotations?: Readonly<Record<string, string>> }[];
}

interface LayoutManifest {
  readonly layers: readonly { readonly mediaType: string; readonly urls?: readonly string[] }[];
}

/** The manifest of the one image of a layout. */
async function onlyManifest(layout: string): Promise<LayoutManifest> {
  const index = JSON.parse(await readFile(join(layout, "index.json"), "utf8")) as LayoutIndex;
  const hex = index.manifests[0]?.digest.split(":")[1] ?? "";
  return JSON.parse(await readFile(join(layout, "blobs/sha256", hex), "utf8")) as LayoutManifest;
}

/** An image with one layer that is to be had from `url` alone. @returns its manifest's digest */
async function writeKeptImage(layout: string, url: string): Promise<string> {
  await mkdir(join(layout, "blobs/sha256"), { recursive: true });
  const blob = async (bytes: Uint8Array | string) => {
    const hex = createHash("sha256").update(bytes).digest("hex");
    await writeFile(join(layout, "blobs/sha256", hex), bytes);
    return { digest: `sha256:${hex}`, size: bytes.length };
  };
  await writeFile(join(layout, "kept"), "kept");
  await must("tar", ["-C", layout, "-cf", join(layout, "layer.tar"), "kept"]);
  const type = "application/vnd.oci.image";
  const layer = await blob(await readFile(join(layout, "layer.tar")));
  const config = { architecture: "amd64", os: "linux", rootfs: { type: "layers", diff_ids: [layer.digest] } };
  const manifest = await blob(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: `${type}.manifest.v1+json`,
      config: { mediaType: `${type}.config.v1+json`, ...(await blob(JSON.stringify(config))) },
      layers: [{ mediaType: `${type}.layer.nondistributable.v1.tar`, ...layer, urls: [url] }],
    }),
  );
  const manifests = [{ mediaType: `${type}.manifest.v1+json`, ...manifest }];
  await writeFile(join(layout, "index.json"), JSON.stringify({ schemaVersion: 2, manifests }));
  await writeFile(join(layout, "oci-layout"), JSON.stringify({ imageLayoutVersion: "1.0.0" }));
  return manifest.digest;
}
