import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { suite, test, type TestContext } from "node:test";
import { loadProvenanceEnv } from "./provenance-env.ts";

function directory(t: TestContext, files: Readonly<Record<string, string>>): string {
  const made = mkdtempSync(join(tmpdir(), "polyarch-provenance-env-"));
  t.after(() => rmSync(made, { recursive: true, force: true }));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(made, name), text);
  return made;
}

suite("loadProvenanceEnv()", () => {
  test("puts the files of a directory together", (t) => {
    const made = directory(t, {
      "b.json": '{"who":"b","list":[1]}',
      "a.json": '{"who":"a","only":true}',
      "c.txt": "no",
    });
    mkdirSync(join(made, "d.json"));
    assert.deepEqual(loadProvenanceEnv(made), { who: "b", only: true, list: [1] });
  });
  test("is nothing where there is no such directory", () => assert.deepEqual(loadProvenanceEnv("/nowhere/at/all"), {}));
  for (const [text, message] of [
    ["{", /^failed to parse a\.json: /],
    ["[]", /^failed to parse a\.json: want a JSON object$/],
    ['{"platform":1}', /^key "platform" is builtin and not allowed to be modified in provenance config$/],
  ] as const) {
    test(`refuses ${text}`, (t) =>
      assert.throws(() => loadProvenanceEnv(directory(t, { "a.json": text })), { message }));
  }
});
