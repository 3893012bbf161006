import assert from "node:assert/strict";
import { test } from "node:test";
import { networkConfig, type NetworkFileConfig } from "./network.ts";

const silent: NetworkFileConfig = {
  mode: undefined,
  cniConfigPath: undefined,
  cniBinaryDir: undefined,
  cniPoolSize: undefined,
  bridgeName: undefined,
  bridgeSubnet: undefined,
};
const here = import.meta.filename;
const missing = `${here}.missing`;

for (const [mode, cniConfigPath, env, want] of [
  [undefined, missing, {}, "host"],
  ["auto", missing, {}, "host"],
  ["auto", here, {}, "cni"],
  ["auto", here, { BUILDKIT_NETWORK_BRIDGE_AUTO: "1" }, "bridge"],
  ["auto", here, { BUILDKIT_NETWORK_BRIDGE_AUTO: "yes" }, "cni"],
  ["host", here, { BUILDKIT_NETWORK_BRIDGE_AUTO: "true" }, "host"],
  ["cni", missing, {}, "cni"],
  ["bridge", missing, {}, "bridge"],
] as const) {
  test(`networkConfig() makes "${want}" of ${mode}, ${cniConfigPath === here ? "with" : "without"} a file, ${JSON.stringify(env)}`, () => {
    assert.equal(networkConfig({}, { ...silent, mode, cniConfigPath }, env).mode, want);
  });
}

test("networkConfig() lets flags beat the file, and the file what is usual", () => {
  const file = { ...silent, mode: "bridge", cniBinaryDir: "/file/bin", cniPoolSize: 3, bridgeName: "br7" };
  const { mode, cniConfigPath, cniBinaryDir, cniPoolSize, bridgeName, bridgeSubnet } = networkConfig(
    { networkMode: "cni", cniConfigPath: "/flag/cni.json", cniPoolSize: 0 },
    file,
    {},
  );
  assert.deepEqual(
    { mode, cniConfigPath, cniBinaryDir, cniPoolSize, bridgeName, bridgeSubnet },
    {
      mode: "cni",
      cniConfigPath: "/flag/cni.json",
      cniBinaryDir: "/file/bin",
      cniPoolSize: 0,
      bridgeName: "br7",
      bridgeSubnet: "10.10.0.0/16",
    },
  );
  assert.equal(networkConfig({}, silent, {}).cniConfigPath, "/etc/buildkit/cni.json");
  assert.throws(() => networkConfig({ networkMode: "x" }, silent, {}), { message: 'invalid network mode: "x"' });
});
