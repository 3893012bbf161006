import assert from "node:assert/strict";
import { test } from "node:test";
import { dockerfileAsTyped, parseCall, showAnswer } from "./call.ts";

test("parseCall() reads a question, its format and whether its status counts", () => {
  assert.equal(parseCall("build"), undefined);
  assert.equal(parseCall(""), undefined);
  assert.deepEqual(parseCall("check"), { name: "lint", json: false, ignoreStatus: false });
  assert.deepEqual(parseCall("outline,format=json,ignorestatus=1"), {
    name: "outline",
    json: true,
    ignoreStatus: true,
  });
  assert.throws(() => parseCall("check,x=1"), { message: "invalid print field: x=1" });
  assert.throws(() => parseCall("check,outline"), { message: "invalid print value: check,outline" });
  assert.throws(() => parseCall("check,ignorestatus=x"), { message: "invalid ignorestatus print value: x" });
});

test("showAnswer() writes what another frontend says as it says it", () => {
  const call = { name: "moon", json: false, ignoreStatus: false };
  assert.deepEqual(showAnswer(call, { "result.txt": "full\n", "result.statuscode": "3" }, undefined), {
    text: "full\n",
    code: 3,
  });
  assert.equal(showAnswer({ ...call, json: true }, { "result.json": "{}" }, undefined).text, "{}\n");
});

test("dockerfileAsTyped() is a path from where people are", () => {
  const filename = "Dockerfile";
  assert.equal(dockerfileAsTyped({ context: ".", file: "", filename }, "/x"), "Dockerfile");
  assert.equal(dockerfileAsTyped({ context: "sub", file: "", filename }, "/x"), "sub/Dockerfile");
  assert.equal(dockerfileAsTyped({ context: ".", file: "a/b/Dockerfile", filename }, "/x"), "a/b/Dockerfile");
  assert.equal(dockerfileAsTyped({ context: ".", file: "-", filename }, "/x"), undefined);
  assert.equal(dockerfileAsTyped({ context: "https://x/y.git", file: "", filename }, undefined), undefined);
});
