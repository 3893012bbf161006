import assert from "node:assert/strict";
import { test } from "node:test";
import type { SolveStatus } from "../../../progress/mod.ts";
import { formChangesOnce } from "./format-warnings.ts";

const old = "registry old:5000 does not take x: the image was pushed in Docker's older format";
const status = (...texts: readonly string[]): SolveStatus => ({
  vertexes: [],
  statuses: [],
  logs: [],
  warnings: texts.map((text, at) => ({
    vertex: `sha256:${at}`,
    level: 1,
    short: Buffer.from(text),
    detail: [],
    url: "",
    ranges: [],
  })),
});
const texts = ({ warnings }: SolveStatus) => warnings.map(({ short }) => Buffer.from(short).toString());

test("what several nodes say of one registry is said once", () => {
  const once = formChangesOnce({ silent: false });
  assert.deepEqual(texts(once(status(old, "else", old))), [old, "else"]);
  const another = old.replace("old", "other");
  assert.deepEqual(texts(once(status(old, "else", another))), ["else", another]);
});

test("who wants no attestations hears nothing of it", () => {
  assert.deepEqual(texts(formChangesOnce({ silent: true })(status(old, "else"))), ["else"]);
});
