import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { isLoopback, originEndpoint, readEndpoints } from "./endpoint.ts";
import type { HostConfig } from "./registry.ts";

describe("originEndpoint() knows where to try", () => {
  const cases: [registry: string, config: HostConfig, origins: string[]][] = [
    ["docker.io", {}, ["https://registry-1.docker.io"]],
    ["ghcr.io", {}, ["https://ghcr.io"]],
    ["ghcr.io", { insecure: true }, ["https://ghcr.io"]],
    ["r.example:5000", { plainHttp: true }, ["http://r.example:5000"]],
    ["r.example", { plainHttp: true, insecure: true }, ["https://r.example", "http://r.example"]],
    ["localhost:5000", {}, ["http://localhost:5000"]],
    ["127.3.2.1", {}, ["http://127.3.2.1"]],
    ["[::1]:5000", {}, ["http://[::1]:5000"]],
    ["localhost:5000", { plainHttp: false }, ["https://localhost:5000"]],
    ["localhost:5000", { insecure: true }, ["https://localhost:5000"]],
    ["localhost:5000", { ca: ["pem"] }, ["https://localhost:5000"]],
  ];
  for (const [registry, config, origins] of cases) {
    test(`${registry} ${JSON.stringify(config)}`, () =>
      assert.deepEqual(originEndpoint(registry, () => config).origins, origins));
  }
});

test("readEndpoints() asks mirrors first, each with its own settings and path", () => {
  const configs: Record<string, HostConfig> = {
    "docker.io": { mirrors: ["m.example/hub", "localhost:1"] },
    "m.example": { plainHttp: true },
  };
  const endpoints = readEndpoints("docker.io", (host) => configs[host] ?? {});
  assert.deepEqual(
    endpoints.map(({ origins, prefix }) => origins[0] + prefix),
    ["http://m.example/v2/hub/", "http://localhost:1/v2/", "https://registry-1.docker.io/v2/"],
  );
});

test("isLoopback() takes no other name for this machine", () => {
  assert.deepEqual(
    ["localhost:80", "127.0.0.1", "[::1]", "::1"].filter((host) => !isLoopback(host)),
    [],
  );
  assert.deepEqual(["localhost.evil.example", "127.0.0.1.nip.io", "128.0.0.1", "r.example"].filter(isLoopback), []);
});
