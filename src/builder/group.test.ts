import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { formatPlatform, parsePlatform } from "../oci/mod.ts";
import { changeNode, leaveNode, type NodeChange } from "./group.ts";
import type { BuilderRecord } from "./store/mod.ts";

const empty: BuilderRecord = { name: "farm", driver: "remote", nodes: [], dynamic: false };

function change(changes: Partial<NodeChange> = {}): NodeChange {
  return {
    name: "",
    endpoint: "unix:///a",
    endpointGiven: true,
    append: false,
    platforms: [],
    flags: undefined,
    driverOpts: undefined,
    files: undefined,
    ...changes,
  };
}
const platforms = (...names: string[]) => names.map((name) => parsePlatform(name));
const one = changeNode(empty, change({ platforms: platforms("linux/amd64", "linux/arm64"), flags: ["--x"] })).record;
const two = changeNode(one, change({ append: true, endpoint: "unix:///b", platforms: platforms("arm64") })).record;

suite("changeNode()", () => {
  test("names nodes after the builder, with the first number that is free", () => {
    assert.deepEqual(
      two.nodes.map(({ name }) => name),
      ["farm0", "farm1"],
    );
    const without = leaveNode(two, "farm0");
    assert.equal(changeNode(without, change({ append: true, endpoint: "unix:///c" })).node.name, "farm0");
  });
  test("gives a platform to whom it is fixed for last", () => {
    assert.deepEqual(
      two.nodes.map((node) => node.platforms.map(formatPlatform)),
      [["linux/amd64"], ["linux/arm64"]],
    );
  });
  test("changes what was said of a node that is there, and keeps the rest", () => {
    const { node, needsRestart } = changeNode(
      one,
      change({ name: "farm0", endpoint: "unix:///z", driverOpts: { a: "b" } }),
    );
    assert.equal(needsRestart, true);
    assert.deepEqual(
      { ...node, platforms: node.platforms.map(formatPlatform) },
      {
        name: "farm0",
        endpoint: "unix:///z",
        platforms: ["linux/amd64", "linux/arm64"],
        flags: ["--x"],
        driverOpts: { a: "b" },
        files: {},
      },
    );
    const quiet = changeNode(one, change({ name: "farm0", endpointGiven: false, platforms: platforms("386") }));
    assert.equal(quiet.needsRestart, false);
    assert.equal(quiet.node.endpoint, "unix:///a");
  });
  test("refuses what buildx refuses, in its words", () => {
    const refused = (work: () => unknown, message: string) => assert.throws(work, { message });
    refused(() => changeNode(one, change({ name: "x" })), "node x not found, did you mean to append?");
    refused(() => changeNode(one, change({ append: true })), "invalid duplicate endpoint unix:///a");
    refused(() => leaveNode(one, "x"), 'node "x" not found for farm');
    refused(() => leaveNode(one, "farm0"), "can not leave last node, do you want to rm instance instead?");
    refused(() => changeNode({ ...one, dynamic: true }, change()), "dynamic node group does not support Update");
  });
});
