import assert from "node:assert/strict";
import { test } from "node:test";
import { checkFrontend, type FrontendRules } from "./frontend-rules.ts";

const usual: FrontendRules = { dockerfile: true, gateway: true, allowedRepositories: [] };
const some: FrontendRules = { ...usual, allowedRepositories: ["docker.io/docker/dockerfile", "r.lan:5000/a/b"] };

for (const [frontend, source, rules] of [
  ["dockerfile.v0", undefined, { ...usual, gateway: false }],
  ["dockerfile.v0", "ignored/here", some],
  ["gateway.v0", "anything/goes:1", usual],
  ["gateway.v0", "docker/dockerfile:1.9", some],
  ["gateway.v0", `r.lan:5000/a/b@sha256:${"a".repeat(64)}`, some],
] as const) {
  test(`${frontend} with ${source} may be used`, () => checkFrontend(frontend, source, rules));
}

for (const [frontend, source, rules, message] of [
  ["dockerfile.v0", undefined, { ...usual, dockerfile: false }, /^invalid frontend: dockerfile\.v0: it is disabled/],
  ["gateway.v0", "docker/dockerfile", { ...some, gateway: false }, /^invalid frontend: gateway\.v0: it is disabled/],
  [
    "gateway.v0",
    "docker/dockerfile-upstream",
    some,
    /^'docker\/dockerfile-upstream' is not an allowed gateway source$/,
  ],
  ["gateway.v0", "r.lan:5000/a/b/c:1", some, /^'r\.lan:5000\/a\/b\/c:1' is not an allowed gateway source$/],
  ["constructor", undefined, usual, /^invalid frontend: constructor: this engine has dockerfile\.v0/],
] as const) {
  test(`${frontend} with ${source} is refused`, () =>
    assert.throws(() => checkFrontend(frontend, source, rules), { name: "BuildError", message }));
}
