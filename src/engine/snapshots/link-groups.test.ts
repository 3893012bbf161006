import assert from "node:assert/strict";
import { test } from "node:test";
import { LinkGroups } from "./link-groups.ts";
import type { LayerToc, TocEntry } from "./toc.ts";
import { mergeLayers } from "./tree.ts";

const file = (path: string, hardlink?: string): TocEntry => ({
  path,
  type: "file",
  mode: 0o644,
  uid: 0,
  gid: 0,
  size: 1,
  mtimeSec: 0,
  mtimeNsec: 0,
  digest: "sha256:2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881" as TocEntry["digest"] & string,
  ...(hardlink !== undefined && { hardlink }),
});
const layer = (...entries: TocEntry[]): LayerToc => ({ entries, whiteouts: [], opaques: [] });

test("names of one file are told by the layer that made them, not by what is in them", () => {
  const below = layer(file("a"), file("b", "a"), file("c", "a"), file("other"));
  const above = layer(file("a"), file("d", "a"));
  const tree = mergeLayers([below, above]);
  const links = new LinkGroups(tree, tree.walk(""));
  const groups = [...tree.walk("")].map((entry) => [entry.path, links.of(entry)] as const);
  const of = new Map(groups);
  assert.ok(of.get("a") && of.get("a") === of.get("d"));
  assert.ok(of.get("b") && of.get("b") === of.get("c"));
  assert.notEqual(of.get("a"), of.get("b"));
  assert.equal(of.get("other"), undefined);
});
