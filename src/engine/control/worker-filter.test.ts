import assert from "node:assert/strict";
import { test } from "node:test";
import { filterWorkers } from "./worker-filter.ts";

const workers = [{ ID: "abc", Labels: { "org.example.rack": "7", plain: "x, y", "with-dash": "d" } }];

for (const [filters, isShown] of [
  [[], true],
  [["id==abc"], true],
  [["id~=^a"], true],
  [["id==nope"], false],
  [["id==nope", "id==abc"], true],
  [['labels."org.example.rack"==7'], true],
  [['labels."org.example.rack"==8'], false],
  [['labels."org.example.rack"==7,id==nope'], false],
  [['labels.plain=="x, y"'], true],
  [['labels."with-dash"'], true],
  [["labels.missing"], false],
  [["unheard==of"], false],
] as const) {
  test(`${JSON.stringify(filters)} ${isShown ? "matches" : "does not match"}`, () => {
    assert.equal(filterWorkers(workers, filters).length, isShown ? 1 : 0);
  });
}

test("a filter that cannot be read is refused", () => {
  assert.throws(() => filterWorkers(workers, ["id="]), {
    code: "invalid_argument",
    message: /^failed to parse worker filter "id="/,
  });
});
