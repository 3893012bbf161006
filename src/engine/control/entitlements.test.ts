import assert from "node:assert/strict";
import { test } from "node:test";
import { grantEntitlements } from "./entitlements.ts";

test("grantEntitlements() grants what is asked for and allowed, devices one by one", () => {
  const allowed = new Set(["network.host", "device"]);
  const wanted = ["network.host", "device=a/b=c", "device=a/b=d,alias=mine"];
  const { entitlements, deviceGrants } = grantEntitlements(wanted, allowed);
  assert.deepEqual([...entitlements], ["network.host", "device"]);
  assert.equal(deviceGrants.all, false);
  assert.deepEqual(Object.fromEntries(deviceGrants.devices), { "a/b=c": "a/b=c", mine: "a/b=d" });
  assert.equal(grantEntitlements(["device"], allowed).deviceGrants.all, true);
});

for (const [wanted, message] of [
  ["security.insecure", "granting entitlement security.insecure is not allowed by build daemon configuration"],
  ["device=x", "granting entitlement device is not allowed by build daemon configuration"],
  ["network.host=x", "unknown entitlement network.host=x"],
  ["devices", "unknown entitlement devices"],
  ["device=x,y", 'invalid device config "y"'],
] as const) {
  test(`grantEntitlements() refuses ${wanted}`, () =>
    assert.throws(() => grantEntitlements([wanted], new Set(["network.host"])), { message }));
}
