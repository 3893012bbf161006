import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { parsePlatform } from "../oci/mod.ts";
import type { Builder } from "./builder.ts";
import { type LoadedNode, withInstances } from "./node-status.ts";

const builder: Builder = { name: "pods", driver: "kubernetes", nodes: [], dynamic: false, origin: "stored" };
const platforms = (...names: readonly string[]) => names.map((name) => parsePlatform(name));

/** A node that runs, with a pod for each list of platforms. */
function running(name: string, instances: readonly (readonly string[])[] | undefined): LoadedNode {
  const node = { name, endpoint: "", platforms: [], driverOpts: {}, flags: [], files: {} };
  const nothing = { workerIds: [], labels: {}, gcPolicy: [], devices: [] };
  const told = instances?.map((names) => platforms(...names));
  return {
    node,
    status: { state: "running", platforms: platforms("linux/amd64", "linux/386"), instances: told, ...nothing },
  };
}

suite("a builder as it is shown", () => {
  const shown = (nodes: readonly LoadedNode[]) => {
    const { builder: told, nodes: entries } = withInstances({ builder, nodes });
    return [told.dynamic, entries.map(({ node, status }) => [node.name, status?.platforms.length])];
  };
  test("has an entry for each pod, with what the pod is for", () => {
    assert.deepEqual(shown([running("a", [[], []]), running("b", [["linux/arm64"]])]), [
      true,
      [
        ["a", 2],
        ["a", 2],
        ["b", 1],
      ],
    ]);
  });
  test("has an entry for each node while one of them does not run, and where nodes are what they are", () => {
    const entries = [
      ["a", 2],
      ["b", 2],
    ];
    assert.deepEqual(shown([running("a", [[], []]), running("b", [])]), [false, entries]);
    assert.deepEqual(shown([running("a", undefined), running("b", undefined)]), [false, entries]);
    assert.deepEqual(shown([]), [false, []]);
  });
});
