import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { askedAttestations } from "./asked.ts";

suite("askedAttestations()", () => {
  test("reads attributes of both spellings", () => {
    const asked = askedAttestations({
      "attest:provenance": 'mode=max,"builder-id=a,b",odd',
      "build-arg:BUILDKIT_ATTEST_SBOM": "",
      "build-arg:other": "x",
    });
    assert.deepEqual(asked, { provenance: { mode: "max", "builder-id": "a,b", odd: "" }, sbom: {} });
  });
  test("refuses what nobody knows", () => {
    assert.throws(() => askedAttestations({ "attest:color": "" }), { message: 'unknown attestation type "color"' });
    assert.throws(() => askedAttestations({ "attest:sbom": 'a"' }), /^BuildError: failed to parse sbom: /);
  });
});
