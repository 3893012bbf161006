import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { create } from "../../base/protobuf/mod.ts";
import { timestampFromDate } from "../../base/protobuf/mod.ts";
import { control } from "../../api/mod.ts";
import { parsePlatform } from "../../oci/mod.ts";
import { type Claims, NodeProgress } from "./node-progress.ts";

const started = timestampFromDate(new Date(1_000));
const news = (digest: string, name: string, more: { inputs?: string[]; completed?: typeof started } = {}) =>
  create(control.StatusResponseSchema, {
    vertexes: [{ digest, name, started, ...more }],
    statuses: [{ ID: "x", vertex: digest }],
    logs: [{ vertex: digest }],
    warnings: [{ vertex: digest }],
  });

function nodes(): readonly [NodeProgress, NodeProgress] {
  const claims: Claims = new Map();
  const [east, west] = [new NodeProgress("east", claims), new NodeProgress("west", claims)];
  east.owns([parsePlatform("linux/amd64")]);
  west.owns([parsePlatform("linux/arm64")]);
  return [east, west];
}

suite("NodeProgress", () => {
  test("keeps apart what two nodes do under one digest, wherever that is named", () => {
    const [east, west] = nodes();
    const first = east.status(news("sha256:a", "[internal] load"));
    const second = west.status(news("sha256:a", "[internal] load"));
    const third = west.status(news("sha256:b", "[linux/arm64 2/2] RUN", { inputs: ["sha256:a"] }));
    assert.equal(first.vertexes[0]?.digest, "sha256:a");
    const other = second.vertexes[0]?.digest;
    assert.match(String(other), /^sha256:[0-9a-f]{64}$/);
    for (const part of [second.statuses, second.logs, second.warnings]) assert.equal(part[0]?.vertex, other);
    assert.deepEqual(third.vertexes[0]?.inputs, [other]);
  });

  for (const [name, want] of [
    ["[internal] load .dockerignore", "[west internal] load .dockerignore"],
    ["exporting to image", "[west] exporting to image"],
    ["[linux/arm64 2/2] RUN x", "[linux/arm64 2/2] RUN x"],
    ["[linux/amd64 build 2/2] RUN x", "[west linux/amd64 build 2/2] RUN x"],
  ] as const) {
    test(`calls "${name}" "${want}"`, () => {
      const [, west] = nodes();
      assert.equal(west.status(news("sha256:a", name)).vertexes[0]?.name, want);
    });
  }

  test("ends what a lost node was doing, once", () => {
    const [, west] = nodes();
    west.status(news("sha256:a", "a", { completed: started }));
    west.status(news("sha256:b", "b"));
    const left = west.abandon(new Date(2_500))?.vertexes ?? [];
    assert.deepEqual(
      left.map(({ digest, error, completed }) => [digest, error, completed?.seconds, completed?.nanos]),
      [["sha256:b", "context canceled", 2n, 500_000_000]],
    );
    assert.equal(west.abandon(new Date(3_000)), undefined);
  });
});
