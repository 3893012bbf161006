import assert from "node:assert/strict";
import { test } from "node:test";
import { type Digest, digestOf } from "../../../oci/mod.ts";
import { type CacheConfig, decodeCacheConfig, encodeCacheConfig } from "./cache-config.ts";

const digest = (text: string): Digest => digestOf(text);
const bytes = (value: unknown) => new TextEncoder().encode(JSON.stringify(value));

const config: CacheConfig = {
  layers: ["base", "one", "other"].map((name, at) => ({
    blob: digest(name),
    parent: at === 0 ? -1 : 0,
    annotations: {
      mediaType: "application/vnd.oci.image.layer.v1.tar+gzip",
      diffId: digest(`${name}'s tar`),
      size: 7,
      createdAt: new Date("2026-01-02T03:04:05.678Z"),
    },
  })),
  records: [
    { digest: digest("first"), results: [[0, 2]], links: [] },
    { digest: digest("second"), results: [], links: [0] },
  ],
};

test("a list of contents is read as it was written", () => {
  assert.deepEqual(decodeCacheConfig(encodeCacheConfig(config, { annotated: true })), config);
  const { layers } = decodeCacheConfig(encodeCacheConfig(config, { annotated: false }));
  assert.deepEqual(
    layers.map(({ parent, annotations }) => [parent, annotations]),
    [
      [-1, undefined],
      [0, undefined],
      [0, undefined],
    ], // prettier-ignore
  );
});

test("the first layer is what others stand on where they say nothing, as BuildKit writes it", () => {
  const text = Buffer.from(encodeCacheConfig(config, { annotated: false })).toString();
  const { layers } = JSON.parse(text) as { layers: { parent?: number }[] };
  assert.deepEqual(
    layers.map(({ parent }) => parent),
    [-1, undefined, undefined],
  );
});

test("what others write beside it is passed over", () => {
  const given = {
    layers: [{ blob: digest("base"), parent: -1, more: 1 }, { blob: digest("one") }],
    records: [
      { digest: digest("a"), layers: [{ layer: 1, createdAt: "0001-01-01T00:00:00Z" }], inputs: null },
      { digest: digest("b"), chains: [{ layers: [1, 0], createdAt: "x" }], inputs: [[{ link: 0 }], [{ link: 0 }]] },
      { digest: digest("c"), inputs: [[{ selector: "sha256:x", link: 0 }, { link: 1 }, {}]] },
    ],
  };
  const { records } = decodeCacheConfig(bytes(given));
  assert.deepEqual(
    records.map(({ results, links }) => [results, links]),
    [
      [[[0, 1]], []],
      [[[1, 0]], []],
      [[], [1, 0]],
    ], // prettier-ignore
  );
});

test("what does not hold together is refused", () => {
  const blob = digest("x");
  const cases: readonly (readonly [unknown, RegExp])[] = [
    ["nothing", /not an object/],
    [{ layers: {} }, /layers: not a list/],
    [{ layers: [{ blob: "x" }] }, /digest/],
    [{ layers: [{ blob, parent: -2 }] }, /parent of layer 0/],
    [{ layers: [{ blob, parent: 3 }], records: [{ digest: blob, layers: [{ layer: 0 }] }] }, /parent 3 is none of 1/],
    [
      {
        layers: [
          { blob, parent: 1 },
          { blob, parent: 0 },
        ],
        records: [{ digest: blob, layers: [{}] }],
      }, // prettier-ignore
      /layers that lie on themselves/,
    ],
    [{ layers: [], records: [{ digest: blob, layers: [{ layer: 0 }] }] }, /layer 0 is none of 0/],
    [{ layers: [], records: [{ digest: blob, inputs: [[{ link: 9 }]] }] }, /link 9 is none of 1/],
    [{ layers: [{ blob, annotations: { mediaType: "x", diffID: blob, size: -1 } }] }, /size of a layer/],
    [{ records: [{ digest: 3 }] }, /digest of a record is not a text/],
    [
      {
        layers: Array.from({ length: 1500 }, (_, at) => ({ blob, parent: at - 1 })),
        records: Array.from({ length: 1500 }, () => ({ digest: blob, layers: [{ layer: 1499 }] })),
      },
      /results of more than 1000000 layers/,
    ],
  ];
  for (const [value, message] of cases) {
    assert.throws(() => decodeCacheConfig(bytes(value)), { code: "invalid_argument", message }, JSON.stringify(value));
  }
  assert.throws(() => decodeCacheConfig(new Uint8Array([0xff, 0x7b])), /invalid cache config/);
});
