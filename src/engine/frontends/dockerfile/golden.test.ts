import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import { MemoryBridge } from "../testing/memory-bridge.ts";
import { showResult } from "../testing/show-result.ts";
import { dockerfileFrontend } from "./mod.ts";

// UPDATE_GOLDEN=1 rewrites what is expected; look at the difference before you commit it.
const update = process.env["UPDATE_GOLDEN"] === "1";
const folder = new URL("testdata/", import.meta.url);

const images = {
  "docker.io/library/debian:12": { config: { Env: ["PATH=/usr/bin"], Cmd: ["bash"] } },
  "docker.io/library/golang:1": {
    config: { Env: ["PATH=/usr/local/go/bin:/usr/bin", "GOPATH=/go"], WorkingDir: "/go" },
  },
  "docker.io/library/alpine:latest": { config: { Env: ["PATH=/usr/bin"] } },
  "docker.io/library/base:1": {
    config: { Cmd: ["old"], User: "u", Labels: { old: "1" } },
    history: [{ created_by: "base" }],
    author: "x",
  },
  "docker.io/other/image:2": {},
  "docker.io/library/tools:1": {},
  "docker.io/library/with-triggers:latest": { config: { OnBuild: ["RUN from image", "COPY --from=tools:1 /a /b"] } },
};

for (const name of readdirSync(folder)) {
  test(`testdata/${name} becomes the graph written down`, async () => {
    const read = (file: string) => readFileSync(new URL(`${name}/${file}`, folder), "utf8");
    const options = existsSync(new URL(`${name}/options.json`, folder))
      ? (JSON.parse(read("options.json")) as Record<string, string>)
      : {};
    const bridge = new MemoryBridge({
      options,
      files: { Dockerfile: read("Dockerfile"), ".dockerignore": "ignored\n" },
      images,
    });
    const result = await dockerfileFrontend(bridge, { signal: new AbortController().signal });
    const text = `${JSON.stringify({ lookUps: bridge.lookUps.sort(), ...(showResult(result) as object) }, undefined, 2)}\n`;
    const golden = new URL(`${name}/llb.json`, folder);
    if (update) writeFileSync(golden, text);
    assert.equal(text, readFileSync(golden, "utf8"));
  });
}
