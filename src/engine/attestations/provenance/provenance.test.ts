import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { pb } from "../../../api/mod.ts";
import { create } from "../../../base/protobuf/mod.ts";
import { decodeDefinition, image, local, marshal, type State } from "../../../llb/mod.ts";
import { digestOf, parsePlatform } from "../../../oci/mod.ts";
import { Capture } from "./capture.ts";
import { checkComplete } from "./complete.ts";
import { dependenciesOf } from "./dependencies.ts";
import { opJson } from "./op-json.ts";
import { imagePackageUrl } from "./image-package-url.ts";
import { type BuildFacts, predicateOf } from "./predicate.ts";
import { predicateText } from "./predicate-text.ts";
import { redacted } from "./redact.ts";
import { describeRequest, isSameRequest, minimalRequest } from "./request.ts";
import { layersOf, stepsOf } from "./steps.ts";
import { readProvenanceWishes } from "./wishes.ts";

const platform = parsePlatform("linux/amd64");
const [digest, other] = [digestOf("a"), digestOf("b")];
const commit = "5".repeat(40);
const graphOf = (state: State) => {
  const definition = marshal(state);
  return { definition, graph: decodeDefinition(definition) };
};

suite("readProvenanceWishes()", () => {
  test("has BuildKit's defaults", () => {
    const wishes = { mode: "max", version: "v1", builderId: "", filename: "provenance.json", inlineOnly: false };
    assert.deepEqual(readProvenanceWishes({}), { ...wishes, reproducible: false, completeMaterials: false });
  });
  test("reads what is said, and leaves alone what it does not know", () => {
    const wishes = readProvenanceWishes({
      mode: "full",
      version: "v0.2",
      "builder-id": "me",
      filename: "p.json",
      "inline-only": "1",
      reproducible: "true",
      color: "red",
    });
    assert.deepEqual(wishes, {
      mode: "max",
      version: "v0.2",
      builderId: "me",
      filename: "p.json",
      inlineOnly: true,
      reproducible: true,
      completeMaterials: false,
    });
  });
  for (const [attributes, message] of [
    [{ mode: "big" }, 'invalid mode "big"'],
    [{ version: "v9" }, "invalid provenance SLSA version: v9"],
    [{ version: "" }, "provenance SLSA version cannot be empty"],
    [{ reproducible: "x" }, 'failed to parse reproducible flag "x": strconv.ParseBool: parsing "x": invalid syntax'],
  ] as const) {
    test(`refuses ${JSON.stringify(attributes)}`, () => {
      assert.throws(() => readProvenanceWishes(attributes), { code: "invalid_argument", message });
    });
  }
});

suite("imagePackageUrl()", () => {
  for (const [name, want] of [
    ["alpine", "pkg:docker/alpine@latest?platform=linux%2Famd64"],
    ["docker.io/library/alpine:3.20", "pkg:docker/alpine@3.20?platform=linux%2Famd64"],
    ["me/app:1", "pkg:docker/me/app@1?platform=linux%2Famd64"],
    ["localhost:5000/a/b:c", "pkg:docker/localhost%3A5000/a/b@c?platform=linux%2Famd64"],
    [`ghcr.io/a@${digest}`, `pkg:docker/ghcr.io/a?digest=${digest}&platform=linux%2Famd64`],
    [`ghcr.io/a:1@${digest}`, `pkg:docker/ghcr.io/a@1?digest=${digest}&platform=linux%2Famd64`],
  ] as const) {
    test(`${name} is ${want}`, () => assert.equal(imagePackageUrl("docker", name, platform), want));
  }
  test("escapes addresses as Go does", () => {
    const url = imagePackageUrl("oci", `a@${digest}`, undefined, { vcs_url: "https://x.org/a b.git#m" });
    assert.equal(url, `pkg:oci/a?digest=${digest}&vcs_url=https:%2F%2Fx.org%2Fa%20b.git%23m`);
  });
});

suite("redacted()", () => {
  for (const [address, want] of [
    ["https://user:pass@example.org/a.git#x@y", "https://xxxxx:xxxxx@example.org/a.git#x@y"],
    ["https://token@example.org/a", "https://xxxxx@example.org/a"],
    ["https://:pass@example.org/a", "https://:xxxxx@example.org/a"],
    ["ssh://git@example.org/a", "ssh://xxxxx@example.org/a"],
    ["git@example.org:a/b", "git@example.org:a/b"],
    ["https://example.org/a@b", "https://example.org/a@b"],
  ] as const) {
    test(`${address} is shown as ${want}`, () => assert.equal(redacted(address), want));
  }
});

suite("Capture", () => {
  const picture = { ref: "alpine:3", platform, digest, isLocal: false };
  test("keeps each thing once, sorted, and leaves out what is pinned where its tag was asked for", () => {
    const capture = new Capture();
    capture.addImage({ ...picture, ref: `docker.io/library/alpine:3@${digest}` });
    capture.addImage(picture);
    capture.addImage({ ...picture, platform: { ...platform } });
    capture.addImage({ ...picture, ref: `ghcr.io/b@${other}`, digest: other });
    capture.addHttp({ url: "https://u:p@x.org/f", digest });
    capture.addHttp({ url: "https://u:p@x.org/f", digest: other });
    capture.addLocal("b");
    capture.addLocal("a");
    assert.deepEqual(
      capture.images.map(({ ref }) => ref),
      ["alpine:3", `ghcr.io/b@${other}`],
    );
    assert.deepEqual(capture.http, [{ url: "https://xxxxx:xxxxx@x.org/f", digest }]);
    assert.deepEqual(capture.locals, ["a", "b"]);
  });
  test("needs a secret as soon as one step does", () => {
    const [capture, more] = [new Capture(), new Capture()];
    capture.addSecret({ id: "s", isOptional: true });
    more.addSecret({ id: "s", isOptional: false });
    more.addSsh({ id: "", isOptional: true });
    capture.merge(more);
    capture.addSecret({ id: "s", isOptional: true });
    assert.deepEqual(capture.secrets, [{ id: "s", isOptional: false }]);
    assert.deepEqual(capture.ssh, [{ id: "default", isOptional: true }]);
  });
});

test("dependenciesOf() names all but the client's directories", () => {
  const capture = new Capture();
  capture.addImage({ ref: "alpine", platform, digest, isLocal: true });
  capture.addBlob({ ref: `x.org/b@${digest}`, digest, isLocal: false });
  const bundle = `docker-image+blob://x.org/c@${other}`;
  capture.addGit({ url: "https://x.org/r.git#main", object: commit, bundle });
  capture.addHttp({ url: "https://x.org/f", digest });
  capture.addLocal("context");
  const hex = { sha256: digest.slice(7) };
  assert.deepEqual(dependenciesOf(capture), [
    { uri: "pkg:oci/alpine@latest?platform=linux%2Famd64", digest: hex },
    { uri: `pkg:docker/x.org/b?digest=${digest}&ref_type=blob`, digest: hex },
    { uri: "https://x.org/r.git#main", digest: { sha1: commit } },
    {
      uri: "pkg:docker/x.org/c@latest?ref_type=bundle&vcs_url=https:%2F%2Fx.org%2Fr.git%23main",
      digest: { sha256: other.slice(7) },
    },
    { uri: "https://x.org/f", digest: hex },
  ]);
});

suite("describeRequest()", () => {
  const none = { git: [], http: [] };
  const ask = (attributes: Readonly<Record<string, string>>) => ({ frontend: "dockerfile.v0", attributes, inputs: {} });
  test("tells the context and the Dockerfile apart from what else was asked, and leaves out the machine", () => {
    const attributes = {
      context: "https://u:p@x.org/r.git#main",
      "context:other": "https://t@x.org/o.git",
      filename: "a/Dockerfile",
      platform: "linux/amd64",
      "cache-imports": "[]",
      "attest:provenance": "mode=max",
      target: "t",
    };
    assert.deepEqual(describeRequest(ask(attributes), none), {
      configSource: { uri: "https://xxxxx:xxxxx@x.org/r.git#main", path: "a/Dockerfile" },
      request: { frontend: "dockerfile.v0", args: { "context:other": "https://xxxxx@x.org/o.git", target: "t" } },
    });
  });
  test("names the commit of a repository, however it is asked for", () => {
    const git = [{ url: "https://x.org/r.git#v1", object: commit, bundle: undefined }];
    for (const context of ["https://x.org/r.git#v1:sub", "https://x.org/r.git?ref=v1&subdir=sub"]) {
      const { configSource } = describeRequest(ask({ context }), { ...none, git });
      assert.deepEqual(configSource, { uri: "https://x.org/r.git#v1:sub", digest: { sha1: commit } });
    }
  });
  test("takes the context from where the frontend does", () => {
    const http = [{ url: "https://x.org/c.tar", digest }];
    const attributes = { contextkey: "mine", mine: "https://x.org/c.tar", context: "x" };
    const { configSource, request } = describeRequest(ask(attributes), { ...none, http });
    assert.deepEqual(configSource, { uri: "https://x.org/c.tar", digest: { sha256: digest.slice(7) } });
    assert.deepEqual(request.args, { context: "x", contextkey: "mine" });
  });
  test("descriptions are the same whatever the order of their keys", () => {
    const [a, b] = [ask({ a: "1", b: "2" }), ask({ b: "2", a: "1" })].map((request) => describeRequest(request, none));
    assert.ok(a && b && isSameRequest(a, b));
    assert.ok(a && !isSameRequest(a, describeRequest(ask({ a: "1" }), none)));
  });
});

test("minimalRequest() leaves out arguments, labels, secrets and agents, at every depth", () => {
  const args = { "build-arg:A": "1", "label:l": "m", target: "t" };
  const below = { configSource: {}, request: { frontend: "f", args, secrets: [{ id: "s" }] } };
  const { request, isLess } = minimalRequest({
    args: { target: "t" },
    ssh: [{ id: "default" }],
    inputs: { x: below },
    root: below,
  });
  const lesser = { configSource: {}, request: { frontend: "f", args: { target: "t" } } };
  assert.deepEqual([request, isLess], [{ args: { target: "t" }, inputs: { x: lesser }, root: lesser }, true]);
  assert.equal(minimalRequest({ args: { target: "t" }, secrets: [{ id: "s" }] }).isLess, false);
});

suite("steps", () => {
  const base = image("x.org/a:1", { platform });
  const context = local("context", { sessionId: "secret-session" });
  const built = base.file([{ type: "copy", from: context, source: "/f", destination: "/<f>" }]);
  test("stepsOf() numbers ops inputs first, and never names a session", () => {
    const graph = graphOf(built);
    const { config, numbers } = stepsOf(graph);
    const steps = config["llbDefinition"] as readonly { readonly id: string; readonly inputs?: readonly string[] }[];
    assert.deepEqual(
      steps.map(({ id, inputs }) => [id, inputs]),
      [
        ["step0", undefined],
        ["step1", undefined],
        ["step2", ["step0:0", "step1:0"]],
        ["step3", ["step2:0"]],
      ],
    );
    assert.deepEqual([...numbers.values()], [0, 1, 2, 3]);
    const text = JSON.stringify(config, (_, value: unknown) => (typeof value === "bigint" ? Number(value) : value));
    assert.doesNotMatch(text, /secret-session/);
  });
  test("opJson() writes ops as Go does", () => {
    const [copy] = [...graphOf(built).graph.ops.values()].slice(-1);
    const { Op } = opJson(copy?.op as pb.Op) as { Op: { file: { actions: Record<string, unknown>[] } } };
    const [action] = Op.file.actions;
    assert.deepEqual(Object.keys(action ?? {}), ["input", "secondaryInput", "output", "Action"]);
    assert.equal(action?.["input"], 0n);
    assert.deepEqual(opJson(create(pb.OpSchema, {})), { Op: {} });
  });
  test("layersOf() gives the layers of each step, each stack once", () => {
    const graph = graphOf(built);
    const steps = stepsOf(graph);
    const [vertex] = [...graph.graph.ops.keys()];
    assert.ok(vertex);
    const layer = { mediaType: "m", digest, size: 1 };
    const outputs = [
      { vertex, index: 0, layers: [layer] },
      { vertex, index: 0, layers: [layer] },
      { vertex, index: 0, layers: [] },
      { vertex: other, index: 0, layers: [layer] },
    ];
    assert.deepEqual(layersOf(outputs, steps), { "step0:0": [[layer]] });
    assert.equal(layersOf([], steps), undefined);
  });
});

suite("predicates", () => {
  const at = new Date("2024-01-02T03:04:05.678Z");
  const facts: BuildFacts = {
    invocationId: "id",
    startedAt: at,
    finishedAt: at,
    builderPlatform: "linux/amd64",
    dockerfileVersion: "1.2.3",
    compatibilityVersion: 30,
    environment: { owner: "<me>" },
    steps: graphOf(image("x.org/a:1", { platform })),
    layers: [],
  };
  const capture = () => {
    const made = new Capture();
    made.addImage({ ref: "x.org/a:1", platform, digest, isLocal: false });
    return made;
  };
  const args = { "build-arg:A": "1", "vcs:source": "https://u:p@x.org/r", "vcs:revision": "" };
  const described = { configSource: { path: "Dockerfile" }, request: { frontend: "dockerfile.v0", args } };
  const wishes = { mode: "min", builderId: "me", reproducible: true } as const;

  test("say of SLSA 1 what BuildKit says", () => {
    const text = predicateText(predicateOf({ capture: capture(), described }, facts, wishes), "v1");
    assert.match(text, /^\{\n {2}"buildDefinition": \{\n/);
    assert.match(text, /"owner": "\\u003cme\\u003e"/);
    assert.deepEqual(JSON.parse(text), {
      buildDefinition: {
        buildType: "https://github.com/moby/buildkit/blob/master/docs/attestations/slsa-definitions.md",
        resolvedDependencies: [
          { uri: "pkg:docker/x.org/a@1?platform=linux%2Famd64", digest: { sha256: digest.slice(7) } },
        ],
        externalParameters: {
          configSource: { path: "Dockerfile" },
          request: { frontend: "dockerfile.v0", compatibilityVersion: 30 },
        },
        internalParameters: { builderPlatform: "linux/amd64", dockerfileVersion: "1.2.3", owner: "<me>" },
      },
      runDetails: {
        builder: { id: "me" },
        metadata: {
          invocationId: "id",
          startedOn: "2024-01-02T03:04:05.678Z",
          finishedOn: "2024-01-02T03:04:05.678Z",
          buildkit_metadata: { vcs: { source: "https://xxxxx:xxxxx@x.org/r" } },
          buildkit_hermetic: true,
          buildkit_completeness: { request: false, resolvedDependencies: true },
          buildkit_reproducible: true,
        },
      },
    });
  });

  test("say the same in the form of SLSA 0.2", () => {
    const predicate = predicateOf({ capture: capture(), described }, facts, { ...wishes, mode: "max" });
    const told = JSON.parse(predicateText(predicate, "v0.2")) as Record<string, Record<string, unknown>>;
    const keys = ["builder", "buildType", "materials", "invocation", "buildConfig", "metadata"];
    assert.deepEqual(Object.keys(told), keys);
    assert.deepEqual(told["invocation"], {
      configSource: { entryPoint: "Dockerfile" },
      parameters: { frontend: "dockerfile.v0", args: { "build-arg:A": "1" }, compatibilityVersion: 30 },
      environment: { dockerfileVersion: "1.2.3", owner: "<me>", platform: "linux/amd64" },
    });
    assert.deepEqual(told["metadata"], {
      buildInvocationID: "id",
      buildStartedOn: "2024-01-02T03:04:05.678Z",
      buildFinishedOn: "2024-01-02T03:04:05.678Z",
      completeness: { parameters: true, environment: true, materials: true },
      reproducible: true,
      "https://mobyproject.org/buildkit@v1#metadata": { vcs: { source: "https://xxxxx:xxxxx@x.org/r" } },
      "https://mobyproject.org/buildkit@v1#hermetic": true,
    });
  });

  test("are not hermetic where a step had a network, nor complete where directories of the client went in", () => {
    const [networked, partial] = [capture(), capture()];
    networked.hasNetwork = true;
    partial.addLocal("context");
    for (const [what, hermetic, complete] of [
      [networked, undefined, true],
      [partial, undefined, false],
    ] as const) {
      const { metadata } = predicateOf({ capture: what, described }, facts, wishes).runDetails;
      assert.equal(metadata.buildkit_hermetic, hermetic);
      assert.equal(metadata.buildkit_completeness.resolvedDependencies, complete);
    }
  });

  test("checkComplete() names what is missing", () => {
    const partial = capture();
    checkComplete(partial);
    partial.addLocal("context");
    assert.throws(() => checkComplete(partial), {
      message:
        /^provenance materials are incomplete\n\n.*\n\nUncaptured local sources:\n {2}- context\n {4}reason: local_source$/,
    });
  });
});
