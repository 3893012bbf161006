import assert from "node:assert/strict";
import { test } from "node:test";
import { decodeDefinition } from "../../../llb/mod.ts";
import { MemoryBridge } from "../testing/memory-bridge.ts";
import { dockerfileFrontend } from "./mod.ts";

const images = { "docker.io/library/a:latest": {}, "docker.io/library/b:latest": {} };

/** Names of the trees to look through besides the result, each with the last step of it; and whether caches count. */
async function hints(dockerfile: string, options: Readonly<Record<string, string>> = {}) {
  const bridge = new MemoryBridge({ images, options, files: { Dockerfile: dockerfile, word: "hello" } });
  const { refs } = await dockerfileFrontend(bridge, { signal: new AbortController().signal });
  const [{ scan } = {}] = refs;
  assert.ok(scan);
  const extras = [...scan.extras].map(([name, definition]) => {
    const names = [...(definition ? decodeDefinition(definition).ops.values() : [])].map((op) => op.name);
    return [name, names.at(-1)] as const;
  });
  return { extras: Object.fromEntries(extras), ignoreCache: scan.ignoreCache };
}

const stages = `
FROM a AS tools
RUN one
FROM tools AS unused
RUN two
FROM scratch
COPY --from=tools /x /
COPY --from=b /y /
COPY word /
`;

test("only the result is looked through when nobody says otherwise", async () => {
  assert.deepEqual(await hints(stages), { extras: {}, ignoreCache: false });
  const undeclared = { "build-arg:BUILDKIT_SBOM_SCAN_STAGE": "true", "build-arg:BUILDKIT_SBOM_SCAN_CONTEXT": "true" };
  assert.deepEqual((await hints(stages, undeclared)).extras, {});
});

test("arguments in front of the first FROM count for all stages that the target needs", async () => {
  const declared = `ARG BUILDKIT_SBOM_SCAN_STAGE=true\nARG BUILDKIT_SBOM_SCAN_CONTEXT\n${stages}`;
  assert.deepEqual((await hints(declared)).extras, { tools: "[tools 2/2] RUN one" });
  assert.deepEqual((await hints(declared, { "build-arg:BUILDKIT_SBOM_SCAN_STAGE": "unused,stage-2" })).extras, {});
  const context = { "build-arg:BUILDKIT_SBOM_SCAN_CONTEXT": "stage-2", "build-arg:BUILDKIT_SBOM_SCAN_STAGE": "0" };
  assert.deepEqual((await hints(declared, context)).extras, { context: "[internal] load build context" });
});

test("a stage may say so itself, and stages that go on from it", async () => {
  const own = `FROM a\nARG BUILDKIT_SBOM_SCAN_STAGE=1\nRUN one\nFROM scratch\nCOPY --from=0 /x /\n`;
  assert.deepEqual((await hints(own)).extras, { "stage-0": "[stage-0 2/2] RUN one" });
  const heirs = `FROM a AS x\nARG BUILDKIT_SBOM_SCAN_STAGE=x,y\nFROM x AS y\nRUN one\nFROM y\nARG BUILDKIT_SBOM_SCAN_STAGE\n`;
  assert.deepEqual(Object.keys((await hints(heirs)).extras).sort(), ["x", "y"]);
  const refused = `ARG BUILDKIT_SBOM_SCAN_STAGE=true\nFROM a AS x\nARG BUILDKIT_SBOM_SCAN_STAGE=false\nFROM x\n`;
  assert.deepEqual((await hints(refused)).extras, {});
});

test("what is looked through without a cache is listed without one", async () => {
  const declared = `ARG BUILDKIT_SBOM_SCAN_STAGE=true\n${stages}`;
  assert.equal((await hints(declared, { "no-cache": "tools" })).ignoreCache, true);
  assert.equal((await hints(declared, { "no-cache": "unused" })).ignoreCache, false);
  assert.equal((await hints(stages, { "no-cache": "tools" })).ignoreCache, false);
  assert.equal((await hints(stages, { "no-cache": "" })).ignoreCache, true);
});
