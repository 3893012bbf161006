/** What SPDX calls a license that it does not list, and what was written of it. */
export interface UnlistedLicense {
  readonly id: string;
  readonly text: string;
}

/** Of SPDX's list, those that packages name; all else is written down with its words. @see https://spdx.org/licenses/ */
const listed: ReadonlyMap<string, string> = new Map(
  (
    "0BSD AFL-2.1 AFL-3.0 AGPL-3.0-only AGPL-3.0-or-later Apache-1.0 Apache-1.1 Apache-2.0 Artistic-1.0 Artistic-1.0-Perl Artistic-2.0 BlueOak-1.0.0 BSD-1-Clause " +
    "BSD-2-Clause BSD-2-Clause-Patent BSD-3-Clause BSD-3-Clause-Clear BSD-4-Clause BSD-4-Clause-UC BSL-1.0 bzip2-1.0.6 CC-BY-3.0 CC-BY-4.0 CC-BY-SA-3.0 CC-BY-SA-4.0 " +
    "CC0-1.0 CDDL-1.0 CDDL-1.1 CPL-1.0 curl ECL-2.0 EFL-2.0 EPL-1.0 EPL-2.0 EUPL-1.1 EUPL-1.2 FSFAP FSFUL FSFULLR FTL GFDL-1.1-or-later GFDL-1.2-or-later GFDL-1.3-only " +
    "GFDL-1.3-or-later GPL-1.0-only GPL-1.0-or-later GPL-2.0-only GPL-2.0-or-later GPL-3.0-only GPL-3.0-or-later GPL-1.0 GPL-1.0+ GPL-2.0 GPL-2.0+ GPL-3.0 GPL-3.0+ HPND " +
    "ICU IJG Info-ZIP IPL-1.0 ISC JasPer-2.0 LGPL-2.0-only LGPL-2.0-or-later LGPL-2.1-only LGPL-2.1-or-later LGPL-3.0-only LGPL-3.0-or-later LGPL-2.0 LGPL-2.0+ LGPL-2.1 " +
    "LGPL-2.1+ LGPL-3.0 LGPL-3.0+ Libpng libpng-2.0 libtiff LPPL-1.3c MIT MIT-0 MIT-CMU MIT-advertising MITNFA MPL-1.1 MPL-2.0 MPL-2.0-no-copyleft-exception MS-PL NCSA NTP " +
    "OFL-1.1 OLDAP-2.8 OpenSSL PHP-3.01 PostgreSQL PSF-2.0 Python-2.0 Python-2.0.1 QPL-1.0 Ruby SGI-B-2.0 Sleepycat SMLNJ SPL-1.0 TCL Unicode-3.0 Unicode-DFS-2015 " +
    "Unicode-DFS-2016 Unlicense UPL-1.0 Vim W3C WTFPL X11 Xnet XFree86-1.1 Zlib zlib-acknowledgement ZPL-2.1"
  )
    .split(" ")
    .map((id) => [id.toLowerCase(), id]),
);
const exceptions: ReadonlyMap<string, string> = new Map(
  (
    "Autoconf-exception-2.0 Autoconf-exception-3.0 Bison-exception-2.2 Classpath-exception-2.0 GCC-exception-2.0 GCC-exception-3.1 Font-exception-2.0 LLVM-exception " +
    "OpenSSL-exception GPL-3.0-linking-exception Linux-syscall-note OCaml-LGPL-linking-exception WxWindows-exception-3.1"
  )
    .split(" ")
    .map((id) => [id.toLowerCase(), id]),
);

/**
 * What packages say of their license as an expression that SPDX allows: `MIT`, `(MIT OR Apache-2.0)`, `LicenseRef-…` for words that it does not know.
 * @returns the expression, and what its references mean
 */
export function licenseExpression(text: string): {
  readonly expression: string;
  readonly unlisted: readonly UnlistedLicense[];
} {
  const words = text.replaceAll(/\s+/g, " ").trim();
  if (words === "") return { expression: "NOASSERTION", unlisted: [] };
  const tokens = words.match(/[()]|[^\s()]+/g) ?? [];
  const unlisted = new Map<string, UnlistedLicense>();
  const parser = new ExpressionParser(tokens, (name) => {
    const known = listed.get(name.toLowerCase());
    if (known !== undefined) return known;
    const license = unlistedLicense(name);
    unlisted.set(license.id, license);
    return license.id;
  });
  const expression = parser.parse();
  if (expression !== undefined) return { expression, unlisted: [...unlisted.values()] };
  const whole = unlistedLicense(words);
  return { expression: whole.id, unlisted: [whole] };
}

function unlistedLicense(text: string): UnlistedLicense {
  const [, given] = /^LicenseRef-([A-Za-z0-9.-]+)$/.exec(text) ?? [];
  const name = given ?? text.replaceAll(/[^A-Za-z0-9.]+/g, "-").replaceAll(/^-|-$/g, "");
  return { id: `LicenseRef-${(name || "unknown").slice(0, 64)}`, text };
}

/** Names joined by AND, OR and WITH, in parentheses or not. */
class ExpressionParser {
  readonly #tokens: readonly string[];
  readonly #license: (name: string) => string;
  #at = 0;

  constructor(tokens: readonly string[], license: (name: string) => string) {
    this.#tokens = tokens;
    this.#license = license;
  }

  /** `undefined`: it is none. */
  parse(): string | undefined {
    if (this.#tokens.length > 1000) return undefined;
    const whole = this.#joined();
    return this.#at === this.#tokens.length ? whole : undefined;
  }

  #joined(): string | undefined {
    let left = this.#single();
    while (left !== undefined && this.#isNext("and", "or")) {
      const operator = this.#next();
      const right = this.#single();
      left = right === undefined ? undefined : `${left} ${operator?.toUpperCase()} ${right}`;
    }
    return left;
  }

  #single(): string | undefined {
    const token = this.#next();
    if (token === "(") {
      const inner = this.#joined();
      return this.#next() === ")" && inner !== undefined ? `(${inner})` : undefined;
    }
    if (token === undefined || token === ")" || /^(?:and|or|with)$/i.test(token)) return undefined;
    if (!this.#isNext("with")) return this.#license(token);
    this.#next();
    const exception = exceptions.get((this.#next() ?? "").toLowerCase());
    return exception === undefined ? undefined : `${this.#license(token)} WITH ${exception}`;
  }

  #isNext(...words: readonly string[]): boolean {
    return words.includes(this.#tokens[this.#at]?.toLowerCase() ?? "");
  }

  #next(): string | undefined {
    return this.#tokens[this.#at++];
  }
}
