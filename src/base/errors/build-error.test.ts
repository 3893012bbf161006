import assert from "node:assert/strict";
import test from "node:test";
import { asBuildError, BuildError, isAbort, messageOf } from "./mod.ts";

test("asBuildError() keeps what is one, and gives system errors a code", () => {
  const error = new BuildError("not_found", "x: not found");
  assert.equal(asBuildError(error), error);
  const full = Object.assign(new Error("write: no space left"), { code: "ENOSPC" });
  assert.equal(asBuildError(full).code, "resource_exhausted");
  assert.equal(asBuildError(Object.assign(new Error("open"), { code: "EACCES" })).code, "permission_denied");
  assert.equal(asBuildError("odd").message, "odd");
});

test("an abort is canceled, with BuildKit's words", () => {
  const controller = new AbortController();
  controller.abort();
  assert.equal(isAbort(controller.signal.reason), true);
  assert.equal(asBuildError(controller.signal.reason).message, "context canceled");
});

test("a failing teardown does not hide the failure before it", async () => {
  const failing = async () => {
    await using _ = { [Symbol.asyncDispose]: () => Promise.reject(new Error("teardown")) };
    throw new BuildError("not_found", "the cause");
  };
  const error = await failing().catch((thrown: unknown) => thrown);
  assert.equal(messageOf(error), "the cause");
  assert.equal(asBuildError(error).code, "not_found");
});
