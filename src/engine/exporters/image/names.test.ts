import assert from "node:assert/strict";
import { test } from "node:test";
import { digestOf, formatReference } from "../../../oci/mod.ts";
import type { ExportSource } from "../exporter.ts";
import { canBeNamed, namesOf, parseImageNames, writtenNames } from "./names.ts";

const digest = digestOf(Buffer.from("image"));
const source = (name?: string): ExportSource => ({
  refs: [],
  multiPlatform: false,
  attestations: new Map(),
  metadata: name === undefined ? {} : { "image.name": Buffer.from(name) },
});

for (const [attributes, said, want] of [
  [{ name: "a,h/b:2" }, undefined, ["docker.io/library/a:latest", "docker.io/h/b:2"]],
  [{ name: "*" }, "x:1,y", ["docker.io/library/x:1", "docker.io/library/y:latest"]],
  [{ name: "*" }, undefined, []],
  [{ name: "a" }, "x", ["docker.io/library/a:latest"]],
  [{ "dangling-name-prefix": "h/d" }, undefined, [`docker.io/h/d@${digest}`]],
  [
    { name: "a", "dangling-name-prefix": "d" },
    undefined,
    ["docker.io/library/a:latest", `docker.io/library/d@${digest}`],
  ],
  [
    { name: "a", "dangling-name-prefix": "d", "danging-name-empty-only": "" },
    undefined,
    ["docker.io/library/a:latest"],
  ],
  [{ "dangling-name-prefix": "d", "danging-name-empty-only": "" }, undefined, [`docker.io/library/d@${digest}`]],
] as const) {
  test(`namesOf() with ${JSON.stringify(attributes)}, and the frontend says ${said}`, () => {
    const names = parseImageNames(attributes);
    assert.deepEqual(namesOf(names, source(said), digest).map(formatReference), want);
    assert.ok(canBeNamed(names));
  });
}

test("writtenNames() are what was asked for, letter by letter", () => {
  const written = (attributes: Record<string, string>, said?: string) =>
    writtenNames(parseImageNames(attributes), source(said), digest);
  assert.equal(written({ name: "a,h/b:2" }), "a,h/b:2");
  assert.equal(written({ name: "*" }, "x:1,y"), "x:1,y");
  assert.equal(written({ name: "*" }), "");
  assert.equal(written({ name: "a", "dangling-name-prefix": "h/d" }), `a,h/d@${digest}`);
  assert.equal(written({ name: "a", "dangling-name-prefix": "d", "danging-name-empty-only": "" }), "a");
  assert.equal(written({ "dangling-name-prefix": "d" }), `d@${digest}`);
});

test("parseImageNames() refuses what can be no name of a new image", () => {
  assert.throws(() => parseImageNames({ name: `a@${digest}` }), /a name with a digest cannot be given to a new image/);
  assert.throws(() => parseImageNames({ name: "a:1" }, { byDigest: true }), /can't push tagged ref a:1 by digest/);
  assert.throws(() => parseImageNames({ "dangling-name-prefix": "a:1" }), /want a repository without a tag/);
  assert.throws(() => parseImageNames({ "danging-name-empty-only": "x" }), /non-bool value specified/);
  assert.ok(!canBeNamed(parseImageNames({})));
});
