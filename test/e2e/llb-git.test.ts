/** Git sources of graphs, with attributes that no Dockerfile sets. */
import assert from "node:assert/strict";
import { readFile, symlink } from "node:fs/promises";
import { join } from "node:path";
import { suite, test } from "node:test";
import { digestOf } from "../../src/oci/mod.ts";
import { contentStores } from "../../src/session/mod.ts";
import { must, startGit } from "../lab/mod.ts";
import { openHouse } from "./harness.ts";
import { openRawClient, rawSource } from "./raw-client.ts";

const house = await openHouse();
const raw = await openRawClient(house);
const git = house.own(await startGit());
const author = ["-c", "user.name=Lab", "-c", "user.email=lab@example.org"];

/** A source of a repository of the lab's server. */
const from = (name: string, fragment: string, attributes: Record<string, string> = {}) =>
  rawSource(`git://example.org/${name}${fragment}`, { "git.fullurl": `${git.address}/${name}`, ...attributes });

test("a subdirectory is one of the repository: no link leads out of it", async () => {
  await git.repository("links.git", [{ "d/f": "text" }]);
  const directory = join(git.directory, "links.git");
  await symlink("/etc", join(directory, "out"));
  await symlink("d", join(directory, "in"));
  await git.add("links.git", { "d/g": "more" });
  assert.deepEqual([...(await raw.tree(from("links.git", "#main:d"))).entries.keys()], ["f", "g"]);
  assert.deepEqual([...(await raw.tree(from("links.git", "#main:../x/../d/"))).entries.keys()], ["f", "g"]);
  for (const subdir of ["out", "in", "d/f"]) {
    const message = new RegExp(`git subpath "${subdir}" contains non-directory "${subdir}"`);
    await assert.rejects(raw.tree(from("links.git", `#main:${subdir}`)), message);
  }
  await assert.rejects(raw.tree(from("links.git", "#main:none")), /subdir not found "none"/);
});

suite("a bundle", async () => {
  await git.repository("bundled.git", [{ f: "one" }, { f: "two" }]);
  const first = await git.commit("bundled.git", "v1^{commit}");
  const last = await git.commit("bundled.git", "main");
  const made = async (fragment: string, attributes: Record<string, string> = {}) => {
    const tree = await raw.tree(from("bundled.git", fragment, { "git.checkoutbundle": "true", ...attributes }));
    assert.deepEqual([...tree.entries.keys()], ["bundle"]);
    return await tree.bytes("bundle");
  };
  /** Builds from a bundle alone: the remote that it stands for is nowhere. */
  const built = async (data: Buffer, fragment: string, attributes: Record<string, string>) => {
    const digest = digestOf(data);
    const store = {
      info: (wanted: string) => Promise.resolve(wanted === digest ? { size: data.byteLength } : undefined),
      async *read() {
        yield await Promise.resolve(data);
      },
    };
    const own = {
      "git.fullurl": "https://nowhere.invalid/x.git",
      "git.bundle": `oci-layout+blob://example.org/b@${digest}`,
    };
    const source = rawSource(`git://nowhere.invalid/x.git${fragment}`, { ...own, ...attributes });
    return await raw.tree(source, { attachables: [contentStores({ "oci:example.org/b": store })] });
  };

  test("is made of a commit with its history, and stands for its repository", async () => {
    const bundle = await made("#main");
    assert.equal(await (await built(bundle, "#main", { "git.checksum": last.slice(0, 12) })).text("f"), "two");
    assert.equal(await (await built(bundle, "", { "git.checksum": first })).text("f"), "one");
    const kept = await built(bundle, "#main", { "git.checksum": last, "git.keepgitdir": "true" });
    assert.match(await kept.text(".git/config"), /url = https:\/\/nowhere\.invalid\/x\.git\n/);
    const tagged = await made("#refs/tags/v1");
    assert.equal(await (await built(tagged, "#refs/tags/v1", { "git.checksum": first })).text("f"), "one");
  });

  test("must have what is asked of it", async () => {
    const bundle = await made("#v1");
    const unknown = { "git.checksum": "a".repeat(40) };
    await assert.rejects(built(bundle, "", unknown), /commit [0-9a-f]{40} not found in bundle example.org\/b/);
    await assert.rejects(built(bundle, "#main", {}), /git\.bundle requires git\.checksum to be set/);
    await assert.rejects(built(bundle, "", { "git.checksum": "abcd" }), /to be a whole commit, or a ref/);
    await assert.rejects(built(bundle, `#${first}`, { "git.checksum": last }), /expected checksum to match/);
    await assert.rejects(built(Buffer.from("none"), "", unknown), /bundle/);
    await assert.rejects(made("#main", { "git.keepgitdir": "true" }), /incompatible with git\.keepgitdir/);
    await assert.rejects(made("#main:d"), /incompatible with git\.subdir/);
    const odd = { "git.bundle": `docker-image://example.org/b@sha256:${"0".repeat(64)}`, "git.checksum": last };
    await assert.rejects(raw.tree(from("bundled.git", "", odd)), /expected "docker-image\+blob" or "oci-layout\+blob"/);
  });
});

suite("a signature", async () => {
  await git.repository("signed.git", [{ f: "unsigned" }]);
  const directory = join(git.directory, "signed.git");
  const keys = await house.directory();
  for (const name of ["mine", "other"])
    await must("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", join(keys, name)]);
  const signing = [...author, "-c", "gpg.format=ssh", "-c", `user.signingkey=${join(keys, "mine")}`];
  const run = (...args: string[]) => must("git", ["-C", directory, ...signing, ...args]);
  await run("commit", "--quiet", "--allow-empty", "--gpg-sign", "--message", "signé");
  await run("tag", "--sign", "--message", "signed", "signed-tag");
  await run("tag", "--annotate", "--message", "unsigned", "unsigned-tag");
  await run("tag", "--sign", "--message", "signed", "tag-of-unsigned", "HEAD~1");
  const key = await readFile(join(keys, "mine.pub"), "utf8");
  const check = async (ref: string, attributes: Record<string, string> = {}) =>
    await raw.tree(from("signed.git", `#${ref}`, { "git.sig.pubkey": key, ...attributes }));

  test("of a commit, or of the tag that stands for it", async () => {
    for (const ref of ["main", "signed-tag", "unsigned-tag", "tag-of-unsigned"]) await check(ref);
    await check(await git.commit("signed.git", "main"));
    await check("signed-tag", { "git.sig.requiresignedtag": "true" });
    await assert.rejects(check("v1"), /git object is not signed/);
  });

  test("of exactly what the client wants signed, by whom it wants", async () => {
    const noTag = /signed tag required but no signed tag found/;
    await assert.rejects(check("main", { "git.sig.requiresignedtag": "true" }), noTag);
    await assert.rejects(check("unsigned-tag", { "git.sig.requiresignedtag": "true" }), /git object is not signed/);
    await assert.rejects(check("tag-of-unsigned", { "git.sig.ignoresignedtag": "true" }), /git object is not signed/);
    const other = await readFile(join(keys, "other.pub"), "utf8");
    await assert.rejects(check("main", { "git.sig.pubkey": other }), /failed to verify ssh signature/);
    await assert.rejects(check("main", { "git.sig.pubkey": "" }), /requires git\.sig\.pubkey/);
  });
});

test("a commit is fetched by its name alone, whatever its branch is called", async () => {
  await git.repository("pinned.git", [{ f: "one" }, { f: "two" }]);
  const commit = await git.commit("pinned.git", "v1^{commit}");
  const attributes = { "git.fetchbycommit": "true", "git.keepgitdir": "true" };
  const tree = await raw.tree(from("pinned.git", "#elsewhere", { ...attributes, "git.checksum": commit }));
  assert.equal(await tree.text("f"), "one");
  assert.ok(tree.entries.has(".git/refs/heads/elsewhere"));
  const part = { ...attributes, "git.checksum": commit.slice(0, 8) };
  await assert.rejects(
    raw.tree(from("pinned.git", "#main", part)),
    /fetch-by-commit requires a full commit SHA checksum/,
  );
});
