import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { Metadata } from "../rpc/mod.ts";
import { decodeDirectoryRequest, encodeDirectoryRequest } from "./pattern-headers.ts";

suite("what FileSync is asked for", () => {
  test("travels as plain headers as long as it is ASCII", () => {
    const metadata = encodeDirectoryRequest({ dirName: "context", include: ["a b", "c%20d"], exclude: ["*.log"] });
    assert.deepEqual(
      [...metadata],
      [
        ["dir-name", "context"],
        ["include-patterns", "a b"],
        ["include-patterns", "c%20d"],
        ["exclude-patterns", "*.log"],
      ],
    );
  });

  test("is query-escaped key by key when it is not, as Go does", () => {
    const metadata = encodeDirectoryRequest({ dirName: "context", include: ["a b+c/ü!", "plain"], exclude: ["x y"] });
    assert.deepEqual(metadata.getAll("include-patterns"), ["a+b%2Bc%2F%C3%BC%21", "plain"]);
    assert.equal(metadata.get("include-patterns-encoded"), "1");
    assert.equal(metadata.get("exclude-patterns"), "x y");
    assert.ok(!metadata.has("exclude-patterns-encoded"));
  });

  test("comes back as it was", () => {
    const request = {
      dirName: "größe",
      include: ["a+b c", "日本/**"],
      exclude: ["!x", "%"],
      followPaths: ["a\nb", "c"],
    };
    assert.deepEqual(decodeDirectoryRequest(encodeDirectoryRequest(request)), request);
  });

  test("that is not escaped properly is taken as it is", () => {
    const metadata = new Metadata({ "dir-name": "%zz", "dir-name-encoded": "true" });
    assert.equal(decodeDirectoryRequest(metadata).dirName, "%zz");
  });
});
