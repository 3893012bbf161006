import assert from "node:assert/strict";
import { test } from "node:test";
import { formatCsvFields, parseCsvFields } from "./csv.ts";

const cases: [string, string[]][] = [
  ["type=local,dest=out", ["type=local", "dest=out"]],
  ["out", ["out"]],
  ["", [""]],
  ["a,", ["a", ""]],
  ['type=image,"name=a,b",push=true', ["type=image", "name=a,b", "push=true"]],
  ['"a""b"', ['a"b']],
];
for (const [line, want] of cases) {
  test(`parseCsvFields() reads ${JSON.stringify(line)}`, () => assert.deepEqual(parseCsvFields(line), want));
}

test("parseCsvFields() refuses a quote in the middle of a field, with Go's words", () => {
  assert.throws(() => parseCsvFields('name="a,b"'), {
    message: 'parse error on line 1, column 6: bare " in non-quoted-field',
  });
  assert.throws(() => parseCsvFields('"a'), { message: /extraneous or missing " in quoted-field/ });
});

test("formatCsvFields() gives what parseCsvFields() reads back", () => {
  const fields = ["type=image", 'name=a,b"c', " x"];
  assert.deepEqual(parseCsvFields(formatCsvFields(fields)), fields);
});
