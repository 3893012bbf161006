import assert from "node:assert/strict";
import { test } from "node:test";
import { pb } from "../../../api/mod.ts";
import { create } from "../../../base/protobuf/mod.ts";
import { ActionUses } from "./action-uses.ts";

/** An action on `input` that reads `from`; `output` -1 is none. */
const action = (input: number, from: number, output: number) =>
  create(pb.FileActionSchema, {
    input: BigInt(input),
    secondaryInput: BigInt(from),
    output: BigInt(output),
    action: { case: "copy", value: { src: "/a", dest: "/b" } },
  });

test("a value that one action goes on with is no layer of its own; one that is read, used twice or put out is", () => {
  const uses = new ActionUses([action(0, -1, -1), action(1, 0, 1), action(2, -1, 0), action(2, 3, -1)], 1);
  assert.deepEqual(uses.outputs, [3, 2]);
  assert.deepEqual(
    [1, 2, 3, 4].map((index) => uses.isShared(index)),
    [false, true, true, false],
  );
});

test("actions that wait for each other are refused", () => {
  assert.throws(() => new ActionUses([action(1, -1, 0)], 1), /^BuildError: loop from index 1$/);
  assert.throws(() => new ActionUses([action(-1, 2, -1), action(1, -1, 0)], 1), /loop from index/);
});

test("a hundred thousand actions are looked at in a moment", () => {
  const many = Array.from({ length: 100_000 }, (_, at) => action(at, -1, at === 99_999 ? 0 : -1));
  assert.deepEqual(new ActionUses(many, 1).outputs, [100_000]);
});
