import assert from "node:assert/strict";
import { test } from "node:test";
import { licenseExpression } from "./licenses.ts";

test("licenseExpression() takes what SPDX knows, and makes references of the rest", () => {
  const table: [text: string, expression: string, unlisted?: readonly string[]][] = [
    ["", "NOASSERTION"],
    ["MIT", "MIT"],
    ["apache-2.0", "Apache-2.0"],
    ["(MIT or Apache-2.0)", "(MIT OR Apache-2.0)"],
    [
      "GPL-2.0-or-later WITH GCC-exception-2.0 AND (ISC OR Zlib)",
      "GPL-2.0-or-later WITH GCC-exception-2.0 AND (ISC OR Zlib)",
    ],
    ["MIT AND custom", "MIT AND LicenseRef-custom", ["custom"]],
    [
      "LicenseRef-Fedora-Public-Domain AND MIT",
      "LicenseRef-Fedora-Public-Domain AND MIT",
      ["LicenseRef-Fedora-Public-Domain"],
    ],
    ["GPL-2.0-only WITH my-exception", "LicenseRef-GPL-2.0-only-WITH-my-exception", ["GPL-2.0-only WITH my-exception"]],
    ["Apache License,  Version 2.0", "LicenseRef-Apache-License-Version-2.0", ["Apache License, Version 2.0"]],
    ["SEE LICENSE IN LICENSE.md", "LicenseRef-SEE-LICENSE-IN-LICENSE.md", ["SEE LICENSE IN LICENSE.md"]],
    ["(MIT", "LicenseRef-MIT", ["(MIT"]],
    ["MIT AND", "LicenseRef-MIT-AND", ["MIT AND"]],
    ["???", "LicenseRef-unknown", ["???"]],
  ];
  for (const [text, expression, unlisted = []] of table) {
    const known = licenseExpression(text);
    assert.equal(known.expression, expression, text);
    assert.deepEqual(
      known.unlisted.map((license) => license.text),
      unlisted,
      text,
    );
  }
});
