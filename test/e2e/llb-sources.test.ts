/** Sources of graphs, with attributes that no Dockerfile sets. */
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { suite, test } from "node:test";
import { fsutil } from "../../src/api/mod.ts";
import { fromBinary } from "../../src/base/protobuf/mod.ts";
import { digestOf } from "../../src/oci/mod.ts";
import { contentStores, fileSync } from "../../src/session/mod.ts";
import { must, serveFiles } from "../lab/mod.ts";
import { openHouse } from "./harness.ts";
import { openRawClient, rawSource } from "./raw-client.ts";

const house = await openHouse();
const raw = await openRawClient(house);
const files = house.own(await serveFiles({ "/data.txt": await vector("data.txt"), "/other.txt": "other\n" }));

/** A key and a signature of 2020; the key has expired since. */
function vector(name: string): Promise<string> {
  return readFile(join(import.meta.dirname, "../../src/signatures/testdata", name), "utf8");
}

suite("one blob as a file", () => {
  test("from a registry, with or without a name, a mode and owners", async () => {
    const raw64 = await must("skopeo", ["inspect", "--tls-verify=false", "--raw", `docker://${house.base}`]);
    const { manifests } = JSON.parse(raw64) as { manifests: { digest: string }[] };
    const manifestDigest = manifests[0]?.digest ?? "";
    const repository = house.base.replace(/:[^:/]+$/, "");
    const manifest = await must("skopeo", [
      "inspect",
      "--tls-verify=false",
      "--raw",
      `docker://${repository}@${manifestDigest}`,
    ]);
    const { config } = JSON.parse(manifest) as { config: { digest: string } };
    const blob = `docker-image+blob://${repository}@${config.digest}`;
    const plain = await raw.tree(rawSource(blob));
    const name = config.digest.replace("sha256:", "");
    assert.deepEqual([...plain.entries.keys()], [name]);
    assert.match(plain.entries.get(name) ?? "", /^-rw------- 0\/0 +\d+ 1970-01-01 00:00:00/);
    assert.equal(digestOf(await plain.text(name)), config.digest);
    const attributes = { "http.filename": "a/config.json", "http.perm": "0644", "http.uid": "7", "http.gid": "8" };
    const { entries } = await raw.tree(rawSource(blob, attributes));
    assert.match(entries.get("config.json") ?? "", /^-rw-r--r-- 7\/8 /);
    // A manifest is content of the repository, too.
    const other = await raw.tree(rawSource(`docker-image+blob://${repository}@${manifestDigest}`));
    assert.deepEqual([...other.entries.keys()], [manifestDigest.replace("sha256:", "")]);
  });

  test("from a layout that the client offers", async () => {
    const data = Buffer.from("the blob\n");
    const digest = digestOf(data);
    const store = {
      info: (wanted: string) => Promise.resolve(wanted === digest ? { size: data.byteLength } : undefined),
      async *read() {
        yield await Promise.resolve(data);
      },
    };
    const attachables = [contentStores({ "oci:shelf": store })];
    const from = (of: string) =>
      rawSource(`oci-layout+blob://example.org/any@${of}`, { "oci.store": "shelf", "http.filename": "blob" });
    assert.equal(await (await raw.tree(from(digest), { attachables })).text("blob"), "the blob\n");
    await assert.rejects(raw.tree(from(digestOf("other")), { attachables }), /not found in the OCI layout "shelf"/);
  });

  test("is refused where it cannot be told which", async () => {
    const zeros = `sha256:${"0".repeat(64)}`;
    const cases: [string, RegExp][] = [
      [`docker-image+blob://${house.base}`, /it needs a digest/],
      [`docker-image+blob://${house.base}@${zeros}`, /a blob has no tag/],
      [`oci-layout+blob://example.org/any@${zeros}`, /oci-layout blob source requires store id/],
      [`docker-image+blob://${house.registry.host}/none@${zeros}`, /not found/],
    ];
    for (const [identifier, message] of cases) await assert.rejects(raw.tree(rawSource(identifier)), message);
  });
});

suite("a file of a web server", () => {
  test("that must be signed is given only when it is, each time", async () => {
    const attributes = {
      "http.sig.pubkey": await vector("expired.pub"),
      "http.sig.signature": await vector("expired.asc"),
    };
    const signed = await raw.tree(rawSource(`${files.address}/data.txt`, attributes));
    assert.equal(await signed.text("data.txt"), await vector("data.txt"));
    const refused = /failed to verify pgp signature: signature by [0-9A-F]{16}: invalid signature/;
    await assert.rejects(raw.tree(rawSource(`${files.address}/other.txt`, attributes)), refused);
    await raw.tree(rawSource(`${files.address}/other.txt`));
    await assert.rejects(raw.tree(rawSource(`${files.address}/other.txt`, attributes)), refused);
    const { "http.sig.pubkey": key } = attributes;
    await assert.rejects(
      raw.tree(rawSource(`${files.address}/data.txt`, { "http.sig.pubkey": key })),
      /requires both pubkey and signature/,
    );
  });

  test("lies as its attributes say; numbers are those of Go", async () => {
    const listed = async (attributes: Record<string, string>) =>
      [...(await raw.tree(rawSource(`${files.address}/data.txt`, attributes))).entries.values()].join();
    assert.match(await listed({ "http.perm": "420" }), /^-rw-r--r-- 0\/0 .* data.txt$/);
    assert.match(await listed({ "http.perm": "0x1ff", "http.uid": "0b11" }), /^-rwxrwxrwx 3\/0 .* data.txt$/);
    assert.match(await listed({ "http.filename": "../etc/passwd" }), / passwd$/);
    assert.match(await listed({ "http.filename": ".." }), / download$/);
    for (const [name, value] of [
      ["http.perm", "rw"],
      ["http.uid", "-1"],
      ["http.header.cookie", "a=b"],
      ["http.checksum", "sha256:0"],
    ] as const) {
      await assert.rejects(listed({ [name]: value }), new RegExp(name));
    }
  });
});

suite("an image", () => {
  const of = (attributes: Record<string, string>) => rawSource(`docker-image://${house.base}`, attributes);

  test("is recorded as what it is for", async () => {
    await raw.tree(of({ "image.recordtype": "frontend" }));
    const types = (await raw.client.diskUsage()).map(({ RecordType, Description }) => `${RecordType}: ${Description}`);
    assert.ok(
      types.some((line) => line.startsWith(`frontend: pulled from ${house.base}`)),
      types.join("\n"),
    );
  });

  test("is refused for attributes that make no sense", async () => {
    for (const [attribute, value, message] of [
      ["image.recordtype", "other", /invalid record type other/],
      ["image.resolvemode", "never", /invalid resolvemode: never/],
      ["image.layerlimit", "0", /invalid layer limit 0/],
      ["image.checksum", "md5:0", /invalid image checksum md5:0/],
    ] as const) {
      await assert.rejects(raw.tree(of({ [attribute]: value })), message);
    }
  });
});

suite("a directory of the client", () => {
  test("of which only metadata is wanted, and some files", async () => {
    const path = await house.context({ "a/1": "one", "a/2": "two", b: "three" });
    const attachables = [fileSync({ dirs: { ctx: { path } } })];
    const tree = async (attributes: Record<string, string>) =>
      await raw.tree(rawSource("local://ctx", { "local.metadatatransfer": "true", ...attributes }), { attachables });
    assert.deepEqual([...(await tree({})).entries.keys()], [".fsutil-metadata"]);
    const some = await tree({ "local.metadatatransferexclude": '["a/2"]' });
    assert.deepEqual([...some.entries.keys()].sort(), [".fsutil-metadata", "a", "a/2"]);
    assert.equal(await some.text("a/2"), "two");
    const log = await some.bytes(".fsutil-metadata");
    const paths: string[] = [];
    for (let at = 0; at < log.length; at += 4 + log.readUInt32LE(at)) {
      paths.push(fromBinary(fsutil.StatSchema, log.subarray(at + 4, at + 4 + log.readUInt32LE(at))).path);
    }
    assert.deepEqual(paths, ["a", "a/1", "a/2", "b"]);
    await assert.rejects(
      tree({ "local.metadatatransfer": "maybe" }),
      /invalid value for local.metadatatransfer "maybe"/,
    );
  });

  test("is asked of the client whose build it is, when the one that is named has left", async () => {
    const attachables = [fileSync({ dirs: { ctx: { path: await house.context({ f: "text" }) } } })];
    const { entries } = await raw.tree(rawSource("local://ctx", { "local.session": "gone" }), { attachables });
    assert.deepEqual([...entries.keys()], ["f"]);
  });

  test("is taken anew where nobody trusts what files look like", async () => {
    const attachables = [fileSync({ dirs: { ctx: { path: await house.context({ f: "text" }) } } })];
    const differ = async (value: string) =>
      await raw.tree(rawSource("local://ctx", { "local.differ": value }), { attachables });
    assert.equal(await (await differ("none")).text("f"), "text");
    await assert.rejects(differ("checksum"), /invalid local.differ "checksum"/);
  });
});
