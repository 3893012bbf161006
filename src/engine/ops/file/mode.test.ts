import assert from "node:assert/strict";
import { test } from "node:test";
import { parseModeChange } from "./mode.ts";

test("parseModeChange() does what chmod does without a umask", () => {
  const file = false;
  const directory = true;
  const table: [text: string, before: number, isDirectory: boolean, want: number][] = [
    ["755", 0o600, file, 0o755],
    ["0644", 0o4755, file, 0o644],
    ["4755", 0o600, file, 0o4755],
    ["u=rwX,go=rX", 0o600, file, 0o644],
    ["u=rwX,go=rX", 0o700, file, 0o755],
    ["u=rwX,go=rX", 0o600, directory, 0o755],
    ["a+r", 0o200, file, 0o644],
    ["+x", 0o644, file, 0o755],
    ["go-w", 0o666, file, 0o644],
    ["o=", 0o777, file, 0o770],
    ["g=u", 0o750, file, 0o770],
    ["u+s", 0o755, file, 0o4755],
    ["g+s", 0o755, file, 0o2755],
    ["+t", 0o777, directory, 0o1777],
    ["u=rw,g+w-x", 0o755, file, 0o665],
    ["u=rwx", 0o2700, directory, 0o2700],
  ];
  for (const [text, before, isDirectory, want] of table) {
    const got = parseModeChange(text)(before, isDirectory);
    assert.equal(got.toString(8), want.toString(8), `${text} of ${before.toString(8)}`);
  }
});

test("parseModeChange() refuses what is no mode", () => {
  for (const text of ["", "u", "888", "u+q", "x=r", "rwx", "u=r,"]) {
    assert.throws(() => parseModeChange(text), { code: "invalid_argument" }, text);
  }
});
