import assert from "node:assert/strict";
import { test } from "node:test";
import { digestOf } from "./digest.ts";
import { chainId, chainIds, decodeImageConfig, encodeImageConfig, platformOfConfig } from "./image-config.ts";
import { appendLayer } from "./mutate.ts";

const bytes = (value: unknown) => new TextEncoder().encode(JSON.stringify(value));
const text = (value: Uint8Array) => new TextDecoder().decode(value);
const [a, b, c] = [digestOf("a"), digestOf("b"), digestOf("c")];

const full = {
  architecture: "arm",
  config: {
    User: "app",
    ExposedPorts: { "80/tcp": {} },
    Env: ["PATH=/bin"],
    Entrypoint: ["/app"],
    Cmd: ["-x"],
    Volumes: { "/data": {} },
    WorkingDir: "/",
    Labels: { a: "1", b: "2" },
    StopSignal: "SIGINT",
    ArgsEscaped: true,
    Healthcheck: { Test: ["CMD", "true"], Interval: 30_000_000_000, Retries: 3 },
    OnBuild: ["RUN true"],
    Shell: ["/bin/sh", "-c"],
    FutureSetting: { deep: [1, null] },
  },
  created: "2024-01-01T00:00:00Z",
  history: [{ created: "2024-01-01T00:00:00Z", created_by: "RUN x", comment: "y", empty_layer: true }],
  "moby.buildkit.cache.v0": "abc",
  os: "linux",
  rootfs: { type: "layers", diff_ids: [a] },
  variant: "v6",
};

test("a config survives decoding and encoding byte for byte, unknown fields included", () => {
  assert.equal(text(encodeImageConfig(decodeImageConfig(bytes(full)))), JSON.stringify(full));
});

test("equal configs have equal bytes, in whatever order they were made", () => {
  const shuffled = Object.fromEntries(Object.entries(full).reverse());
  const config = { ...full.config, Labels: { b: "2", a: "1" } };
  assert.equal(text(encodeImageConfig(decodeImageConfig(bytes({ ...shuffled, config })))), JSON.stringify(full));
});

test("null, as Go writes empty lists, counts as absent", () => {
  const config = decodeImageConfig(
    bytes({
      architecture: "amd64",
      os: "linux",
      config: { Env: null, Cmd: null, Volumes: null },
      rootfs: { type: "layers", diff_ids: null },
      history: null,
    }),
  );
  assert.deepEqual(config, {
    architecture: "amd64",
    os: "linux",
    config: {},
    rootfs: { type: "layers", diff_ids: [] },
  });
});

test("platformOfConfig() is normalized", () => {
  assert.deepEqual(platformOfConfig(decodeImageConfig(bytes({ os: "linux", architecture: "arm64", variant: "v8" }))), {
    os: "linux",
    architecture: "arm64",
  });
});

for (const [name, value, message] of [
  ["a root file system of another kind", { rootfs: { type: "tar" } }, /rootfs.type: want "layers", got "tar"/],
  ["a diffID that is no digest", { rootfs: { type: "layers", diff_ids: ["x"] } }, /invalid checksum digest/],
  ["Env that is no list", { config: { Env: "A=b" } }, /image config.config.Env: want a list, got "A=b"/],
  ["Labels that are no strings", { config: { Labels: { a: {} } } }, /config.Labels\["a"\]: want a string/],
  ["a config that is a text", { config: "x" }, /image config.config: want an object/],
] as const) {
  test(`decodeImageConfig() refuses ${name}`, () => {
    assert.throws(() => decodeImageConfig(bytes(value)), { name: "BuildError", code: "invalid_argument", message });
  });
}

test("chainId() follows the specification's recursion", () => {
  assert.equal(chainId([]), undefined);
  assert.equal(chainId([a]), a);
  assert.equal(chainId([a, b]), digestOf(`${a} ${b}`));
  assert.equal(chainId([a, b, c]), digestOf(`${digestOf(`${a} ${b}`)} ${c}`));
  assert.deepEqual(chainIds([a, b, c]), [chainId([a]), chainId([a, b]), chainId([a, b, c])]);
});

test("appendLayer() adds the diffID and its history", () => {
  const config = appendLayer(decodeImageConfig(bytes(full)), b, { created_by: "COPY" });
  assert.deepEqual(config.rootfs.diff_ids, [a, b]);
  assert.equal(config.history?.[1]?.created_by, "COPY");
  assert.equal((config as unknown as Record<string, unknown>)["moby.buildkit.cache.v0"], "abc");
});
