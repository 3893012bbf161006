import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { provenanceMode, toldProvenance } from "./slsa.ts";

const v1 = "https://slsa.dev/provenance/v1";
const old = "https://slsa.dev/provenance/v0.2";

suite("toldProvenance()", () => {
  const made = {
    buildDefinition: {
      buildType: "https://github.com/moby/buildkit/blob/master/docs/attestations/slsa-definitions.md",
      externalParameters: {
        configSource: { uri: "https://example.org/x.git", digest: { sha1: "a" }, path: "Dockerfile" },
        request: { frontend: "dockerfile.v0", locals: [{ name: "context" }] },
      },
      internalParameters: { builderPlatform: "linux/amd64", buildConfig: { llbDefinition: [] }, custom: "x" },
      resolvedDependencies: [{ uri: "pkg:docker/a@1", digest: { sha256: "b" }, name: "left out" }],
    },
    runDetails: {
      builder: { id: "me" },
      metadata: {
        invocationId: "id",
        startedOn: "then",
        finishedOn: "now",
        buildkit_metadata: { vcs: { revision: "r" } },
        buildkit_hermetic: true,
        buildkit_completeness: { request: true, resolvedDependencies: false },
      },
    },
  };
  test("gives SLSA 1 in the form of 0.2", () => {
    assert.deepEqual(toldProvenance(made, v1, "max"), {
      builder: { id: "me" },
      buildType: "https://mobyproject.org/buildkit@v1",
      materials: [{ uri: "pkg:docker/a@1", digest: { sha256: "b" } }],
      invocation: {
        configSource: { uri: "https://example.org/x.git", digest: { sha1: "a" }, entryPoint: "Dockerfile" },
        parameters: { frontend: "dockerfile.v0", locals: [{ name: "context" }] },
        environment: { platform: "linux/amd64", custom: "x" },
      },
      buildConfig: { llbDefinition: [] },
      metadata: {
        buildInvocationID: "id",
        buildStartedOn: "then",
        buildFinishedOn: "now",
        completeness: { parameters: true, environment: true, materials: false },
        reproducible: false,
        "https://mobyproject.org/buildkit@v1#metadata": { vcs: { revision: "r" } },
        "https://mobyproject.org/buildkit@v1#hermetic": true,
      },
    });
  });
  test("leaves out steps and times of either form where little is wanted", () => {
    const told = toldProvenance(made, v1, "min");
    assert.deepEqual(Object.keys(told), ["builder", "buildType", "materials", "invocation"]);
    assert.deepEqual(toldProvenance({ builder: {}, buildConfig: {}, metadata: {} }, old, "min"), { builder: {} });
  });
});

test("provenanceMode() reads BUILDX_METADATA_PROVENANCE", () => {
  const modes = [undefined, "", "min", "max", "disabled", "false", "0", "what"].map(provenanceMode);
  assert.deepEqual(modes, ["min", "min", "min", "max", "disabled", "disabled", "disabled", "min"]);
});
