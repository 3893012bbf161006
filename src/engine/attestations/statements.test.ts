import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { BuildError } from "../../base/errors/mod.ts";
import { digestOf, parsePlatform } from "../../oci/mod.ts";
import type { Attestation } from "./attestation.ts";
import { compactJson, indentJson } from "./json-layout.ts";
import { imagePackageUrl } from "./provenance/image-package-url.ts";
import { readAttestations, refuseProvenance, statementOf, withoutInlineOnly } from "./read.ts";
import { withLayersOfFiles } from "./sbom-layers.ts";
import { encodeStatement } from "./statement.ts";

const { signal } = new AbortController();
const spdx = "https://spdx.dev/Document";

/** Something that is said, with files in memory. */
function said(files: Readonly<Record<string, string>>, more: Partial<Attestation> = {}): Attestation {
  return {
    kind: "in-toto",
    metadata: {},
    path: "said.json",
    predicateType: "https://example.com/said",
    subjects: [],
    files: {
      readFile: async (path) => {
        const text = files[path];
        if (text === undefined) throw new BuildError("not_found", path);
        return Buffer.from(text);
      },
      readDir: async () =>
        Object.keys(files)
          .sort()
          .map((path) => ({ path, type: "file" as const })),
    },
    ...more,
  };
}
const failsWith = (code: string, message: RegExp) => (error: unknown) => {
  assert.ok(error instanceof BuildError, String(error));
  assert.equal(error.code, code);
  assert.match(error.message, message);
  return true;
};
const textOf = (bytes: Uint8Array) => Buffer.from(bytes).toString();

suite("JSON", () => {
  const text = '{ "10": 1.0, "2":\t"a \\"<b>\\\\" ,"e":[ ],"o":{},\n"l":[{"x":null},[1,"y"],true] }';
  test("loses its blanks and nothing else, when it is compacted", () => {
    assert.equal(
      compactJson(text),
      '{"10":1.0,"2":"a \\"\\u003cb\\u003e\\\\","e":[],"o":{},"l":[{"x":null},[1,"y"],true]}',
    );
  });

  test("is laid out as Go does it, which is as JavaScript does it", () => {
    assert.equal(indentJson('"a"'), '"a"');
    for (const value of [{ a: [], b: {}, c: [{ d: "x, y: {}" }, ["z", 1, false]] }, [[[]]], [], {}, 1]) {
      assert.equal(indentJson(JSON.stringify(value)), JSON.stringify(value, undefined, 2));
      assert.equal(indentJson(JSON.stringify(value, undefined, 7)), JSON.stringify(value, undefined, 2));
    }
  });
});

test("names become package URLs, as others write them", () => {
  const purl = (name: string, platform?: string) =>
    imagePackageUrl("docker", name, platform ? parsePlatform(platform) : undefined);
  const digest = `sha256:${"a".repeat(64)}`;
  assert.deepEqual(
    [
      purl("alpine"),
      purl("alpine:3", "linux/arm64"),
      purl("moby/buildkit:v1"),
      purl("localhost:5000/a/b:c", "linux/arm/v7"),
      purl(`alpine@${digest}`, "linux/amd64"),
      purl(`alpine:3@${digest}`),
    ],
    [
      "pkg:docker/alpine@latest",
      "pkg:docker/alpine@3?platform=linux%2Farm64",
      "pkg:docker/moby/buildkit@v1",
      "pkg:docker/localhost%3A5000/a/b@c?platform=linux%2Farm%2Fv7",
      `pkg:docker/alpine?digest=${digest}&platform=linux%2Famd64`,
      `pkg:docker/alpine@3?digest=${digest}`,
    ],
  );
});

suite("a statement", () => {
  const self = [
    { name: "pkg:docker/a@b", digest: { sha256: "1" } },
    { name: "pkg:docker/c@d", digest: { sha256: "1" } },
  ];
  test("is about what it is attached to, under each name, unless its author says otherwise", async () => {
    const about = async (subjects: Attestation["subjects"]) => {
      const [read] = await readAttestations([said({ "said.json": "{}" }, { subjects })], { signal });
      return statementOf(read!, self).subjects;
    };
    assert.deepEqual(await about([]), self);
    assert.deepEqual(await about([{ kind: "self", name: "also", digests: [] }]), [
      self[0],
      { name: "also", digest: { sha256: "1" } },
      self[1],
      { name: "also", digest: { sha256: "1" } },
    ]);
    assert.deepEqual(await about([{ kind: "raw", name: "", digests: ["sha512:9", "sha256:8"] }]), [
      { name: "_", digest: { sha512: "9", sha256: "8" } },
    ]);
  });

  test("is one line in images, and laid out in files", async () => {
    const [read] = await readAttestations([said({ "said.json": '{ "z": "<", "1": [] }\n' })], { signal });
    const statement = statementOf(read!, [{ name: "n", digest: { sha512: "2", sha256: "1" } }]);
    const text = textOf(encodeStatement(statement));
    assert.equal(
      text,
      '{"_type":"https://in-toto.io/Statement/v1","predicateType":"https://example.com/said",' +
        '"subject":[{"name":"n","digest":{"sha256":"1","sha512":"2"}}],"predicate":{"z":"\\u003c","1":[]}}',
    );
    const lines = textOf(encodeStatement(statement, { indented: true })).split("\n");
    assert.deepEqual(lines.slice(0, 2), ["{", '  "_type": "https://in-toto.io/Statement/v1",']);
    assert.deepEqual(lines.slice(-4), ['    "z": "\\u003c",', '    "1": []', "  }", "}"]);
  });

  test("with nothing in it says null; one that is no JSON is refused, and so is one without a path", async () => {
    const [read] = await readAttestations([said({ "said.json": "" })], { signal });
    assert.match(textOf(encodeStatement(statementOf(read!, []))), /"subject":\[\],"predicate":null\}$/);
    const read1 = async (one: Attestation) => await readAttestations([one], { signal });
    await assert.rejects(
      read1(said({ "said.json": "{" })),
      failsWith("invalid_argument", /failed to marshal attestation: said\.json/),
    );
    await assert.rejects(
      read1(said({}, { path: "" })),
      failsWith("invalid_argument", /^attestation does not have set path$/),
    );
    await assert.rejects(read1(said({})), failsWith("not_found", /said\.json/));
  });
});

suite("a bundle", () => {
  const statement = (predicateType: string, predicate: unknown) =>
    JSON.stringify({
      _type: "https://in-toto.io/Statement/v0.1",
      predicateType,
      subject: [{ name: "f", digest: { sha256: "1" } }],
      predicate,
    });
  const bundle = (files: Readonly<Record<string, string>>, more: Partial<Attestation> = {}) =>
    said(files, { kind: "bundle", path: "/out", predicateType: "", ...more });

  test("is taken apart: each file is a statement, about what it says, with the keys in order; the result's own SBOM first", async () => {
    const files = {
      "/out/a.json": statement("https://example.com/a", { b: 1, 10: [], 9: { z: "", y: null } }),
      "/out/sbom.spdx.json": statement(spdx, {}),
    };
    const read = await readAttestations([bundle(files, { metadata: { "sbom-core": Buffer.from("sbom") } })], {
      signal,
    });
    assert.deepEqual(
      read.map(({ attestation, predicate }) => [
        attestation.kind,
        attestation.path,
        attestation.predicateType,
        predicate,
      ]),
      [
        ["in-toto", "/out/sbom.spdx.json", spdx, "{}"],
        ["in-toto", "/out/a.json", "https://example.com/a", '{"10":[],"9":{"y":null,"z":""},"b":1}'],
      ],
    );
    assert.deepEqual(statementOf(read[0]!, []).subjects, [{ name: "f", digest: { sha256: "1" } }]);
  });

  test("is refused with what is no statement, nests without end, is of another type, or says how the result was made", async () => {
    const reading = async (text: string, more: Partial<Attestation> = {}) =>
      await readAttestations([bundle({ "/out/x": text }, more)], { signal });
    for (const text of ["", "[]", "{}{}", '{"subject":1}', '{"subject":[1,{"name":2}]}', '{"predicateType":1}']) {
      await assert.rejects(
        reading(text),
        failsWith("invalid_argument", /^cannot decode in-toto statement: \/out\/x: /),
      );
    }
    const deep = `{"predicate":${"[".repeat(100_000)}${"]".repeat(100_000)}}`;
    await assert.rejects(reading(deep), failsWith("invalid_argument", /exceeded max depth$/));
    await assert.rejects(
      reading(statement("a", {}), { predicateType: "b" }),
      failsWith("invalid_argument", /^bundle entry a does not match required predicate type b$/),
    );
    await assert.rejects(
      reading(statement("https://slsa.dev/provenance/v1", {})),
      failsWith("invalid_argument", /^frontend may not bundle provenance attestations$/),
    );
  });
});

test("what frontends say of how a result was made is refused", () => {
  const provenance = said({}, { predicateType: "https://slsa.dev/provenance/v0.2" });
  assert.throws(
    () => refuseProvenance(new Map([["linux/amd64", [provenance]]])),
    failsWith("invalid_argument", /^frontend may not set provenance attestations$/),
  );
  refuseProvenance(new Map([["linux/amd64", [said({})]]]));
});

test("what is only for the inside of images stays there", () => {
  const [inline, other] = ["true", "false"].map((text) => said({}, { metadata: { "inline-only": Buffer.from(text) } }));
  assert.deepEqual(withoutInlineOnly([inline!, other!]), [other]);
});

test("files of an SBOM are told to be in a layer, where one holds them and nobody has commented on them", () => {
  const layer = digestOf(Buffer.from("layer"));
  const layerOf = (path: string) => (path === "bin/sh" ? layer : undefined);
  const files = [
    { fileName: "/bin/sh" },
    { fileName: "./bin/sh", comment: "" },
    { fileName: "bin/sh", comment: "mine" },
    { fileName: "/x" },
    1,
  ];
  const document = { spdxVersion: "SPDX-2.3", files };
  const made: unknown = JSON.parse(withLayersOfFiles(JSON.stringify(document), layerOf));
  const comment = `layerID: ${layer}`;
  assert.deepEqual(made, {
    spdxVersion: "SPDX-2.3",
    files: [{ fileName: "/bin/sh", comment }, { fileName: "./bin/sh", comment }, ...files.slice(2)],
    creationInfo: { creators: ["Tool: polyarch"] },
  });
  for (const other of ["[]", "null", '{"files":[{"fileName":"/bin/sh"}]}']) {
    assert.equal(withLayersOfFiles(other, layerOf), other);
  }
});
