import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { attestOf, readAttestations } from "./attestations.ts";

suite("readAttestations()", () => {
  test("passes on what is asked for, sorted, and the usual provenance where nothing is said of it", () => {
    assert.deepEqual(readAttestations(["type=sbom,scan=1,generator=example.org/scan"], {}), {
      asked: { sbom: "type=sbom,generator=example.org/scan,scan=1" },
      provenanceByDefault: true,
      withoutArtifact: false,
    });
  });
  test("takes the first of each type, and nothing for what is disabled", () => {
    const { asked, provenanceByDefault } = readAttestations(
      ["type=provenance,disabled=true", "type=provenance,mode=max", ...attestOf("sbom", "false")],
      {},
    );
    assert.deepEqual([asked, provenanceByDefault], [{}, false]);
  });
  test("reads --sbom and --provenance as values of --attest", () => {
    assert.deepEqual(attestOf("sbom", ""), []);
    assert.deepEqual(readAttestations(attestOf("sbom", "1"), {}).asked, { sbom: "type=sbom" });
    assert.deepEqual(readAttestations(attestOf("provenance", "mode=max,version=v1"), {}).asked, {
      provenance: "type=provenance,mode=max,version=v1",
    });
  });
  test("obeys the environment, and refuses what says neither yes nor no", () => {
    const env = { BUILDX_NO_DEFAULT_ATTESTATIONS: "1", BUILDX_NO_DEFAULT_OCI_ARTIFACT: "true" };
    assert.deepEqual(readAttestations([], env), { asked: {}, provenanceByDefault: false, withoutArtifact: true });
    assert.throws(() => readAttestations([], { BUILDX_NO_DEFAULT_ATTESTATIONS: "maybe" }), {
      message: /^invalid BUILDX_NO_DEFAULT_ATTESTATIONS/,
    });
  });
  for (const [text, message] of [
    ["mode=max", "attestation type not specified"],
    ["type=sbom,disabled=perhaps", "invalid value disabled=perhaps"],
    ["sbom", "invalid value sbom"],
  ] as const) {
    test(`refuses ${text}`, () => assert.throws(() => readAttestations([text], {}), { message }));
  }
});
