import assert from "node:assert/strict";
import { test } from "node:test";
import { BuildError } from "../../../base/errors/mod.ts";
import { decodeDefinition } from "../../../llb/mod.ts";
import { decodeImageConfig } from "../../../oci/mod.ts";
import type { FrontendResult } from "../bridge.ts";
import { MemoryBridge, type MemoryBridgeOptions } from "../testing/memory-bridge.ts";
import { dockerfileFrontend } from "./mod.ts";

const images = { "docker.io/library/a:latest": {}, "docker.io/library/b:latest": {} };
const signal = () => new AbortController().signal;

function bridgeFor(dockerfile: string, given: Partial<MemoryBridgeOptions> = {}): MemoryBridge {
  return new MemoryBridge({ images, ...given, files: { Dockerfile: dockerfile, ...given.files } });
}

async function convert(dockerfile: string, given: Partial<MemoryBridgeOptions> = {}): Promise<FrontendResult> {
  return await dockerfileFrontend(bridgeFor(dockerfile, given), { signal: signal() });
}

async function failure(dockerfile: string, options: Record<string, string> = {}): Promise<BuildError> {
  try {
    await convert(dockerfile, { options });
  } catch (error) {
    assert.ok(error instanceof BuildError, String((error as Error).stack));
    return error;
  }
  throw new assert.AssertionError({ message: `converted: ${dockerfile}` });
}

/** Ops of one platform's graph. */
const opsOf = (result: FrontendResult, at = 0) => {
  const definition = result.refs[at]?.definition;
  assert.ok(definition);
  return [...decodeDefinition(definition).ops.values()];
};

const configOf = (result: FrontendResult, key = "containerimage.config") =>
  decodeImageConfig(result.metadata[key] ?? new Uint8Array());

test("mistakes name their line and use BuildKit's words", async () => {
  const table: [dockerfile: string, line: number | undefined, message: string | RegExp][] = [
    ["FROM a\nFOO", 2, "dockerfile parse error on line 2: unknown instruction: FOO (did you mean FROM?)"],
    ["FROM ${X}", 1, "base name (${X}) should not be blank"],
    ["FROM a/B", 1, /^failed to parse stage name "a\/B": invalid reference format/],
    ["FROM nope", 1, "nope: docker.io/library/nope:latest: not found"],
    ["FROM debain", 1, "debain: docker.io/library/debain:latest: not found (did you mean debian?)"],
    ["FROM --platform=$NOPE a", 1, "empty platform value from expression $NOPE"],
    [
      "FROM --platform=$TARGETPLATFROM a",
      1,
      "empty platform value from expression $TARGETPLATFROM (did you mean TARGETPLATFORM?)",
    ],
    ["FROM --platform=moon a", 1, /^failed to parse platform moon: /],
    ["FROM a\nCOPY --from=5 x y", 2, "invalid stage index 5"],
    ["FROM a\nCOPY --from=$X x y", 2, /^variable expansion is not supported for --from/],
    [
      "FROM a AS x\nCOPY --from=y a b\nFROM b AS y\nFROM x",
      2,
      'cannot copy from stage "y", it needs to be defined before current stage "x"',
    ],
    ["FROM a AS x\nCOPY --from=x a b", 2, "circular dependency detected on stage: x"],
    ["FROM a AS x\nCOPY --from=y a b\nFROM a AS y\nCOPY --from=x a b", 4, "circular dependency detected on stage: x"],
    [
      "FROM a\nCOPY --chmod=9 a b",
      2,
      "invalid chmod parameter: '9'. it should be octal string and between 0 and 07777",
    ],
    ["FROM a\nCOPY --chmod=u+q a b", 2, /^invalid chmod parameter: 'u\+q'/],
    ["FROM a\nCOPY https://example.org/x y", 2, "source can't be a URL for COPY"],
    ["FROM a\nCOPY git@example.org:x/y.git y", 2, "source can't be a git ref for COPY"],
    ["FROM a\nADD --checksum=sha256:0 x y", 2, "checksum requires HTTP(S) or Git sources"],
    ["FROM a\nADD --checksum=sha256:0 x y z", 2, "checksum can't be specified for multiple sources"],
    ["FROM a\nENV x=${y:?missing}", 2, 'failed to process "${y:?missing}": y: missing'],
    ["FROM a\nEXPOSE x", 2, "invalid containerPort: x"],
    ["FROM a\nEXPOSE 80/icmp", 2, 'invalid port: "80/icmp": invalid proto: icmp'],
    ["FROM a\nSTOPSIGNAL SIGNOPE", 2, "invalid signal: SIGNOPE"],
    ["FROM a\nRUN --mount=target=/ x", 2, 'invalid mount target "/"'],
    ["FROM a\nRUN --mount=tyep=bind x", 2, "unexpected key 'tyep' in 'tyep=bind' (did you mean type?)"],
    ["FROM a\nRUN []", 2, "RUN requires at least one argument"],
    ["", undefined, "the Dockerfile cannot be empty"],
    ["# nothing\n", 1, "file with no instructions"],
  ];
  for (const [dockerfile, line, message] of table) {
    const error = await failure(dockerfile);
    if (typeof message === "string") assert.equal(error.message, message);
    else assert.match(error.message, message);
    assert.equal(error.location?.start.line, line, error.message);
    if (line !== undefined) assert.equal(error.location?.text, dockerfile);
    assert.equal(error.code, "unknown", error.message);
  }
});

test("every name of docker/dockerfile up to our version is the frontend that is built in", async () => {
  const names = [
    "docker/dockerfile",
    "docker/dockerfile:1",
    "docker/dockerfile:1.4",
    "docker/dockerfile:1.7.0",
    "docker/dockerfile:1.7-labs",
    "docker/dockerfile:labs",
    "docker/dockerfile:latest",
    "docker.io/docker/dockerfile:1",
    "docker/dockerfile:1@sha256:865e5dd094beca432e8c0a1d5e1c465db5f998dca4e439981029b3b81fb39ed5",
    "docker/dockerfile-upstream:master",
    "docker/dockerfile-upstream:master-labs",
    "mirror.gcr.io/docker/dockerfile:1",
    "dockerfile.v0",
  ];
  for (const name of names) await convert(`# syntax=${name}\nFROM scratch\nCOPY a /`);
  for (const name of [
    "docker/dockerfile:1.99",
    "docker/dockerfile:2",
    "docker/other:1",
    "example.org/docker/dockerfile:1",
  ]) {
    const { code, message, location } = await failure(`# syntax=${name} and more\nFROM scratch`);
    assert.deepEqual([code, message], ["not_found", `frontend ${name} as "${name} and more": not found`]);
    assert.equal(location?.start.line, 1);
  }
});

test("what is not supported yet is refused with file and line", async () => {
  const table: [dockerfile: string, what: RegExp][] = [
    ["FROM --platform=windows/amd64 a", /^Dockerfile:1: building for windows/],
  ];
  for (const [dockerfile, what] of table) {
    const error = await failure(dockerfile);
    assert.match(error.message, what);
    assert.equal(error.code, "unimplemented");
    assert.ok(error.location);
  }
});

test("options that cannot be honoured are refused, wrong ones in BuildKit's words", async () => {
  const table: [options: Record<string, string>, message: RegExp][] = [
    [{ target: "bulid" }, /^target stage "bulid" could not be found \(did you mean build\?\)$/],
    [{ target: "0" }, /^target stage "0" could not be found/],
    [{ platform: "linux/amd64,moon" }, /^failed to parse target platform moon: /],
    [
      { platform: "linux/amd64,linux/arm64", "multi-platform": "false" },
      /^conflicting config: returning multiple target platforms/,
    ],
    [{ "multi-platform": "x" }, /^invalid boolean value for multi-platform: x$/],
    [{ "image-resolve-mode": "x" }, /^invalid image-resolve-mode: x$/],
    [{ "force-network-mode": "x" }, /^invalid netmode x$/],
    [{ "add-hosts": "x" }, /invalid key-value pair x$/],
    [{ "add-hosts": "x=y" }, /failed to parse IP y$/],
    [{ ulimit: "moon=1" }, /invalid ulimit type: moon$/],
    [{ "shm-size": "-1" }, /^failed to parse shm size/],
    [{ "context:a": "moon" }, /^invalid context specifier moon for a$/],
    [{ "context:a": "moon://b" }, /^unsupported context source moon for a$/],
    [{ "context:a": "oci-layout://store:latest" }, /^oci-layout reference "store:latest" has no digest$/],
    [{ "context:a": "input:b" }, /^invalid input b for a$/],
    [{ requestid: "frontend.x" }, /^unsupported request frontend.x$/],
    [
      { "build-arg:BUILDKIT_DOCKERFILE_CHECK": "x" },
      /^failed to parse build-arg:BUILDKIT_DOCKERFILE_CHECK: invalid check option "x"$/,
    ],
    [
      { "frontend.caps": "moby.buildkit.frontend.moon+forward" },
      /^unsupported frontend capability moby.buildkit.frontend.moon$/,
    ],
    [{ memory: "0" }, /^invalid memory value: 0: must be > 0$/],
    [{ memory: "1g" }, /^invalid memory value: 1g: must be > 0$/],
    [{ cpuquota: "-1" }, /^invalid cpuquota value: -1: must be > 0$/],
    [{ "build-arg:BUILDKIT_SYNTAX": "example.org/x y" }, /^frontend example.org\/x as "example.org\/x y": not found$/],
    [{ "build-arg:BUILDKIT_DISABLE_FILEOP": "1" }, /was removed in BuildKit 0.11/],
  ];
  for (const [options, message] of table) assert.match((await failure("FROM a AS build", options)).message, message);
});

test("options that are not known are answered with a warning", async () => {
  const bridge = bridgeFor("FROM a", {
    options: { moon: "1", "cache-imports": "[]", "attest:provenance": "mode=min" },
  });
  await dockerfileFrontend(bridge, { signal: signal() });
  assert.deepEqual(
    bridge.warnings.map(({ short }) => short),
    ['Option "moon" is not known and has no effect'],
  );
});

test("a missing Dockerfile is told as BuildKit tells it; dockerfile does as well", async () => {
  const missing = new MemoryBridge({ files: {}, options: { filename: "sub/Dockerfile.dev" } });
  await assert.rejects(dockerfileFrontend(missing, { signal: signal() }), {
    message: "failed to read dockerfile: open sub/Dockerfile.dev: no such file or directory",
  });
  const lower = new MemoryBridge({ files: { dockerfile: "FROM scratch" } });
  assert.equal((await dockerfileFrontend(lower, { signal: signal() })).refs[0]?.definition, undefined);
});

test("a dockerignore beside the Dockerfile goes before the one of the context", async () => {
  const dockerfile = "FROM scratch\nCOPY a /";
  const patterns = async (files: Record<string, string>) => {
    const bridge = bridgeFor(dockerfile, { files });
    const result = await dockerfileFrontend(bridge, { signal: signal() });
    const source = opsOf(result).find((op) => op.name === "[internal] load build context")?.op.op;
    assert.ok(source?.case === "source");
    return { patterns: source.value.attrs["local.excludepatterns"], read: bridge.read };
  };
  const own = await patterns({ "Dockerfile.dockerignore": "x\n", ".dockerignore": "y\n" });
  assert.equal(own.patterns, '["x"]');
  assert.ok(!own.read.includes("[internal] load .dockerignore: .dockerignore"));
  assert.equal((await patterns({ ".dockerignore": "y\n!z\n" })).patterns, '["y","!z"]');
  assert.equal((await patterns({})).patterns, undefined);
  await assert.rejects(patterns({ ".dockerignore": "[" }), {
    message: 'failed parsing .dockerignore: syntax error in pattern: "["',
  });
});

test("a stage on the build platform is the same for all targets until it takes a target argument", async () => {
  const dockerfile = [
    "FROM --platform=$BUILDPLATFORM a AS build",
    "COPY src /src",
    "RUN prepare",
    "ARG TARGETARCH",
    "RUN compile",
    "FROM b",
    "COPY --from=build /out /",
    "COPY other /",
  ].join("\n");
  const result = await convert(dockerfile, {
    options: { platform: "linux/arm64,linux/s390x" },
    platforms: ["linux/amd64", "linux/arm64"],
  });
  const digestOf = (at: number, text: string) => opsOf(result, at).find((op) => op.name.includes(text))?.digest;
  for (const shared of ["load build context", "build 1/4] FROM", "COPY src", "RUN prepare"]) {
    assert.ok(digestOf(0, shared));
    assert.equal(digestOf(0, shared), digestOf(1, shared), shared);
  }
  assert.notEqual(digestOf(0, "RUN compile"), digestOf(1, "RUN compile"));
  const compile = opsOf(result).find((op) => op.name.includes("RUN compile"));
  assert.equal(compile?.name, "[linux/amd64->arm64 build 4/4] RUN compile");
  assert.equal(compile.platform?.architecture, "amd64");
});

test("only stages that the target needs are looked at", async () => {
  const bridge = bridgeFor("FROM nowhere AS x\nENV a=${b:?}\nFROM a AS y\nFROM y");
  await dockerfileFrontend(bridge, { signal: signal() });
  assert.deepEqual(bridge.lookUps, ["[internal] load metadata for docker.io/library/a:latest"]);
});

test("the result says what it is for", async () => {
  const one = await convert("FROM a", { options: { platform: "linux/arm/v7" } });
  assert.equal(one.multiPlatform, false);
  assert.equal(one.refs[0]?.id, "linux/arm/v7");
  assert.equal(configOf(one).variant, "v7");
  const forced = await convert("FROM a", { options: { "multi-platform": "true" } });
  assert.equal(forced.multiPlatform, true);
  assert.ok(forced.metadata["containerimage.config/linux/amd64"]);
  const two = await convert("FROM scratch\nLABEL a=1", {
    options: { platform: "linux/amd64,linux/arm64,linux/amd64", "label:b": "2" },
  });
  assert.deepEqual(
    two.refs.map(({ id }) => id),
    ["linux/amd64", "linux/arm64"],
  );
  assert.deepEqual(configOf(two, "containerimage.config/linux/arm64").config?.Labels, { a: "1", b: "2" });
});

test("without a platform asked for, an image for another one that runs here decides", async () => {
  const given = {
    images: { "docker.io/library/a:latest": { architecture: "arm64" } },
    platforms: ["linux/amd64", "linux/arm64"],
  };
  const result = await convert("FROM a\nRUN x", given);
  assert.equal(opsOf(result).at(-1)?.platform?.architecture, "arm64");
  assert.equal(configOf(result).architecture, "arm64");
});

test("a base image without layers is nothing to copy on", async () => {
  const result = await convert("FROM a\nENV x=1", {
    images: { "docker.io/library/a:latest": { rootfs: { type: "layers", diff_ids: [] } } },
  });
  assert.equal(result.refs[0]?.definition, undefined);
});

test("broken triggers of a base image are told at the FROM line", async () => {
  const broken = { "docker.io/library/a:latest": { config: { OnBuild: ["NOPE x"] } } };
  await assert.rejects(convert("FROM a", { images: broken }), (error) => {
    assert.ok(error instanceof BuildError);
    assert.equal(error.message, "unknown instruction: NOPE (did you mean COPY?)");
    assert.equal(error.location?.start.line, 1);
    return true;
  });
});

test("variables that double each other are stopped", async () => {
  const lines = Array.from({ length: 60 }, (_, at) => `ENV v${at + 1}=$v${at}$v${at}`);
  const error = await failure(`FROM a\nENV v0=0123456789\n${lines.join("\n")}`);
  assert.match(error.message, /expansion is longer than/);
  const wide = Array.from({ length: 200 }, (_, at) => `ENV w${at}=$v13`);
  const many = await failure(`FROM a\nENV v0=0123456789\n${lines.slice(0, 13).join("\n")}\n${wide.join("\n")}`);
  assert.match(many.message, /longer than|larger than/);
});

test("ten thousand instructions take seconds at most", async () => {
  const lines = Array.from({ length: 9_990 }, (_, at) =>
    at % 10 === 0 ? `RUN $x ${at}` : at % 2 === 1 ? `ENV v${at}=1` : `LABEL l${at}=1`,
  );
  const start = process.cpuUsage().user;
  const result = await convert(`FROM a\n${lines.join("\n")}`);
  assert.equal(opsOf(result).length, 1_000);
  assert.ok(process.cpuUsage().user - start < 20_000_000);
  assert.match(
    (await failure(`FROM a\n${"ENV a=1\n".repeat(10_000)}`)).message,
    /line 10001: more than 10000 instructions/,
  );
});

test("cancelling ends with the reason given", async () => {
  const controller = new AbortController();
  const bridge = bridgeFor("FROM a");
  bridge.resolveImageConfig = (_ref, { signal: inner }) =>
    new Promise((_, reject) => {
      inner.addEventListener("abort", () => reject(inner.reason), { once: true });
      controller.abort(new Error("enough"));
    });
  await assert.rejects(dockerfileFrontend(bridge, { signal: controller.signal }), { message: "enough" });
});

test("a base image that is only there for another platform is taken with a warning", async () => {
  const given = { images: { "docker.io/library/a:latest": { os: "linux", architecture: "arm64" } } };
  const bridge = bridgeFor("FROM a AS one\nRUN x", { ...given, options: { platform: "linux/amd64" } });
  await dockerfileFrontend(bridge, { signal: signal() });
  assert.deepEqual(
    bridge.warnings.map(({ short, locations }) => [short, locations?.[0]?.start.line]),
    [
      [
        'InvalidBaseImagePlatform: Base image a was pulled with platform "linux/arm64", expected "linux/amd64" for current build (line 1)',
        1,
      ],
    ],
  );
  const fitting = bridgeFor("FROM a\nRUN x", { ...given, options: { platform: "linux/arm64" } });
  await dockerfileFrontend(fitting, { signal: signal() });
  assert.deepEqual(fitting.warnings, []);
});
