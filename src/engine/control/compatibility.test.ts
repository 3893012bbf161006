import assert from "node:assert/strict";
import { test } from "node:test";
import { checkCompatibility, exporterAsOf } from "./compatibility.ts";

test("checkCompatibility() knows what images were like, and names what it does not know", () => {
  for (const version of [0n, 20n, 30n]) checkCompatibility(version);
  assert.throws(() => checkCompatibility(10n), {
    code: "unimplemented",
    message: /compatibility-version 10: .* 20 and up/,
  });
  assert.throws(() => checkCompatibility(7n), { message: "unsupported compatibility-version 7 (supported: [20 30])" });
  assert.throws(() => checkCompatibility(40n), { message: /40: upgrade buildkit \(max supported: 30\)$/ });
});

test("exporterAsOf() takes Docker's media types where that was usual and nobody says otherwise", () => {
  const typesOf = (version: bigint, Type: string, said?: string, isAttested = false) => {
    const Attrs = said === undefined ? {} : { "oci-mediatypes": said };
    return exporterAsOf(version, { Type, Attrs }, { isAttested }).Attrs["oci-mediatypes"];
  };
  assert.equal(typesOf(20n, "image"), "false");
  assert.equal(typesOf(20n, "docker"), "false");
  assert.equal(typesOf(20n, "oci"), undefined);
  assert.equal(typesOf(20n, "image", "true"), "true");
  assert.equal(typesOf(20n, "image", undefined, true), undefined);
  assert.equal(typesOf(0n, "image"), undefined);
  assert.equal(typesOf(30n, "image"), undefined);
});
