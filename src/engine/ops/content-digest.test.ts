import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Pace } from "../../base/async/mod.ts";
import { digestOf } from "../../oci/mod.ts";
import { digestOfTree, type ContentSelector } from "./content-digest.ts";
import { type Spec, treeOf } from "./testing/trees.ts";

type Files = Readonly<Record<string, Spec>>;

const everything: ContentSelector = { path: "/", followLinks: false };

const pace = new Pace(new AbortController().signal);

async function digest(files: Files, selector: Partial<ContentSelector> = {}): Promise<string> {
  return await digestOfTree(treeOf(files), [{ ...everything, ...selector }], "ref", { pace });
}

const base: Files = { "dir/": "", "dir/a": "a", "dir/b": "b", other: "other", link: "-> dir/a" };

describe("the digest of what is selected", () => {
  const same: [string, Files, Partial<ContentSelector>][] = [
    ["another time", { ...base, "dir/a": { ...fileOf("a"), mtimeSec: 77 } }, {}],
    ["a change elsewhere", { ...base, other: "changed", more: "" }, { path: "/dir" }],
    ["a change of what is excluded", { ...base, "dir/b": "changed" }, { exclude: ["dir/b"] }],
    ["a change of what is not included", { ...base, "dir/b": "changed" }, { include: ["dir/a"] }],
    ["a change of what no wildcard matches", { ...base, other: "changed" }, { path: "/dir/*", wildcard: true }],
    ["attributes that the system gives", { ...base, other: withXattr("other", "security.selinux") }, {}],
  ];
  for (const [name, changed, selector] of same) {
    test(`is the same after ${name}`, async () =>
      assert.equal(await digest(changed, selector), await digest(base, selector)));
  }

  const different: [string, Files, Partial<ContentSelector>][] = [
    ["other bytes", { ...base, "dir/a": "A" }, { path: "/dir" }],
    ["another mode", { ...base, "dir/a": { ...fileOf("a"), mode: 0o600 } }, { path: "/dir" }],
    ["another owner", { ...base, "dir/": { uid: 1 } }, { path: "/dir" }],
    ["another name", { "dir/c": "a", "dir/b": "b", other: "other" }, { path: "/dir" }],
    ["a file more", { ...base, "dir/c": "" }, { path: "/dir" }],
    ["an empty directory more", { ...base, "dir/c/": "" }, { path: "/dir" }],
    ["another target of a link", { ...base, link: "-> dir/b" }, { path: "/link" }],
    ["other bytes behind a link that is followed", { ...base, "dir/a": "A" }, { path: "/link", followLinks: true }],
    ["a capability", { ...base, other: withXattr("other", "security.capability") }, {}],
    ["a match more", { ...base, "dir/c": "c" }, { path: "/dir/*", wildcard: true }],
    ["a match of another name", { "dir/a": "a", "dir/z": "b" }, { path: "/dir/?", wildcard: true }],
    ["a change of an exception", { ...base, "dir/b": "B" }, { exclude: ["dir", "!dir/b"] }],
  ];
  for (const [name, changed, selector] of different) {
    test(`differs after ${name}`, async () =>
      assert.notEqual(await digest(changed, selector), await digest(base, selector)));
  }

  test("does not depend on where a selected path lies, nor on the root's own metadata", async () => {
    assert.equal(await digest({ "x/y/f": "text" }, { path: "/x/y/f" }), await digest({ f: "text" }, { path: "/f" }));
    assert.equal(
      await digest({ "d/f": "text" }, { path: "/d" }),
      await digest({ "other/f": "text" }, { path: "other/" }),
    );
    assert.notEqual(await digest({ f: "text" }, { path: "/" }), await digest({ "d/f": "text" }, { path: "/d" }));
  });

  test("cannot be fooled by names and contents that run into each other", async () => {
    assert.notEqual(await digest({ ab: "c" }), await digest({ a: "bc" }));
    const two = async (...paths: string[]) =>
      await digestOfTree(
        treeOf(base),
        paths.map((path) => ({ ...everything, path })),
        "ref",
        { pace },
      );
    assert.notEqual(await two("/dir", "/other"), await two("/other", "/dir"));
  });
});

test("what is missing is said in BuildKit's words", async () => {
  await assert.rejects(digest(base, { path: "/none" }), {
    code: "not_found",
    message: 'failed to calculate checksum of ref ref: "/none": not found',
  });
  await assert.rejects(digest(base, { path: "/dir", include: ["**"], required: ["a", "c/d"] }), /"\/c\/d": not found$/);
  await assert.doesNotReject(digest(base, { path: "/", include: ["**"], required: ["dir/a", "dir"] }));
  await assert.doesNotReject(digest(base, { path: "/dir", required: ["nothing"] })); // all is taken that there is
  assert.equal(
    await digest(base, { path: "/none", optional: true }),
    await digest({}, { path: "/gone", optional: true }),
  );
});

function fileOf(text: string): Exclude<Spec, string> {
  const data = Buffer.from(text);
  return { size: data.length, digest: digestOf(data), content: { kind: "bytes", data } };
}

function withXattr(text: string, name: string): Exclude<Spec, string> {
  return { ...fileOf(text), xattrs: { [name]: Buffer.from("value") } };
}
