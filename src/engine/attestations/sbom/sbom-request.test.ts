import assert from "node:assert/strict";
import { test } from "node:test";
import { askedAttestations } from "../asked.ts";
import { sbomRequest } from "./sbom-request.ts";

const request = (value?: string) => sbomRequest(askedAttestations(value === undefined ? {} : { "attest:sbom": value }));

test("sbomRequest() names the scanner in full, and what it is told besides", () => {
  assert.equal(request(), undefined);
  assert.deepEqual(request(""), { generator: undefined, parameters: {} });
  assert.deepEqual(request("type=sbom"), { generator: undefined, parameters: { type: "sbom" } });
  assert.deepEqual(request("type=sbom,generator=docker/buildkit-syft-scanner,A=b=c"), {
    generator: "docker.io/docker/buildkit-syft-scanner:latest",
    parameters: { type: "sbom", A: "b=c" },
  });
});

test("sbomRequest() refuses what makes no sense", () => {
  assert.throws(() => request("generator="), { message: "sbom generator cannot be empty" });
  assert.throws(() => request("generator=A"), { message: /^failed to parse sbom generator A: / });
  assert.throws(() => request("SELECT_CATALOGERS=x"), {
    message: /^the engine's own SBOM scanner has no parameter "SELECT_CATALOGERS": /,
  });
});
