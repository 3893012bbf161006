import assert from "node:assert/strict";
import { test } from "node:test";
import { scanTrees } from "./builtin-scanner.ts";
import { memoryTree } from "./testing/mod.ts";

test("scanTrees() leaves one statement for each tree, the result's first", async () => {
  const { signal } = new AbortController();
  const tree = (name: string) => memoryTree({ "var/lib/dpkg/status": `Package: ${name}\nVersion: 1\n` });
  const extras = new Map([
    ["tools", tree("t")],
    ["context", tree("c")],
  ]);
  const created = new Date(0);
  const statements = await scanTrees({ core: tree("r"), extras }, { tool: "polyarch-1", created, signal });
  const told = statements.map(({ filename, bytes }) => {
    const { _type, predicateType, subject, predicate } = JSON.parse(Buffer.from(bytes).toString()) as {
      _type: string;
      predicateType: string;
      subject: unknown;
      predicate: { name: string; packages: { name: string }[] };
    };
    assert.deepEqual(
      [_type, predicateType, subject],
      ["https://in-toto.io/Statement/v1", "https://spdx.dev/Document", []],
    );
    return [filename, predicate.name, predicate.packages.at(-1)?.name];
  });
  assert.deepEqual(told, [
    ["sbom.spdx.json", "sbom", "r"],
    ["sbom-context.spdx.json", "sbom-context", "c"],
    ["sbom-tools.spdx.json", "sbom-tools", "t"],
  ]);
});
