import assert from "node:assert/strict";
import { test } from "node:test";
import { copyrightLicenses } from "./debian-copyright.ts";

const format = "Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/\n";

test("copyrightLicenses() takes the licenses of files, in SPDX's words", () => {
  const text = `${format}Upstream-Name: x

Files: *
Copyright: 2020 Jane
License: GPL-2+ or Artistic, and Expat
 Text of it.
 .
 Files: no

Files: debian/*
License: LGPL-2.1

Files: a
 b
License: LGPL-2.1
  
License: BSD-3-clause
 Text that is for some of the files above.
`;
  assert.deepEqual(copyrightLicenses(text), ["(GPL-2.0-or-later or Artistic-1.0-Perl) and (MIT)", "LGPL-2.1-only"]);
});

test("copyrightLicenses() says nothing of files that are for people", () => {
  assert.equal(copyrightLicenses("This package was debianized by\n\nFiles: x\nLicense: MIT\n"), undefined);
  assert.equal(copyrightLicenses(format), undefined);
  assert.equal(copyrightLicenses(""), undefined);
});
