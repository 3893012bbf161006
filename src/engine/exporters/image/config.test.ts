import assert from "node:assert/strict";
import test from "node:test";
import { decodeImageConfig, digestOf, parsePlatform } from "../../../oci/mod.ts";
import { finishConfig } from "./config.ts";

const platform = parsePlatform("linux/arm64");
const base = { diffId: digestOf("base"), createdAt: new Date("2020-01-01T00:00:00Z") };
const mine = { diffId: digestOf("mine"), createdAt: new Date("2026-01-02T03:04:05Z") };

function frontendConfig(history: readonly object[]): Uint8Array {
  return Buffer.from(
    JSON.stringify({
      architecture: "arm64",
      os: "linux",
      rootfs: { type: "layers", diff_ids: [] },
      history,
      "moby.x": 1,
    }),
  );
}

function finish(history: readonly object[], layers = [base, mine], epoch?: Date) {
  return decodeImageConfig(finishConfig(frontendConfig(history), { platform, layers, epoch }));
}

test("finishConfig() gives every entry with a layer the time of that layer", () => {
  const config = finish([{ created_by: "base", created: "2020-01-01T00:00:00Z" }, { created_by: "RUN" }]);
  assert.deepEqual(
    config.history?.map(({ created }) => created),
    ["2020-01-01T00:00:00Z", "2026-01-02T03:04:05.000Z"],
  );
  assert.deepEqual(config.rootfs.diff_ids, [base.diffId, mine.diffId]);
  assert.equal(config.created, "2026-01-02T03:04:05.000Z");
});

test("finishConfig() gives metadata before the first new layer the time of that layer, not of the base image", () => {
  const config = finish([
    { created_by: "base", created: "2020-01-01T00:00:00Z" },
    { created_by: "ENV", empty_layer: true },
    { created_by: "RUN" },
    { created_by: "CMD", empty_layer: true },
  ]);
  assert.deepEqual(
    config.history?.map(({ created }) => created?.slice(0, 4)),
    ["2020", "2026", "2026", "2026"],
  );
});

test("finishConfig() adds entries for layers that history does not know, and empties those that have no layer", () => {
  assert.equal(finish([]).history?.length, 2);
  assert.deepEqual(
    finish([{}, {}, {}]).history?.map(({ empty_layer }) => empty_layer ?? false),
    [false, false, true],
  );
});

test("finishConfig() lets no time lie behind the epoch, and keeps fields that it does not know", () => {
  const config = finish([{}, {}], [base, mine], new Date("2021-01-01T00:00:00Z"));
  assert.equal(config.created, "2021-01-01T00:00:00.000Z");
  assert.equal((config as unknown as Record<string, unknown>)["moby.x"], 1);
});

test("finishConfig() makes a plain config when no frontend gave one", () => {
  const config = decodeImageConfig(finishConfig(undefined, { platform, layers: [], epoch: undefined }));
  assert.equal(config.architecture, "arm64");
  assert.equal(config.config?.WorkingDir, "/");
  assert.equal(config.created, undefined);
});

test("finishConfig() gives the same bytes for the same layers", () => {
  const one = finishConfig(frontendConfig([{}]), { platform, layers: [base], epoch: undefined });
  assert.deepEqual(finishConfig(frontendConfig([{}]), { platform, layers: [base], epoch: undefined }), one);
});
