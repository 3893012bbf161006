import assert from "node:assert/strict";
import { test } from "node:test";
import { EnvironmentList } from "./environment.ts";
import { expand } from "./expand.ts";

const environment = new EnvironmentList([
  ["PWD", "/home"],
  ["SHELL", "bash"],
  ["EMPTY", ""],
  ["PATH_", "foo/bar/baz.tar.gz"],
  ["STAR", "a*b*c"],
]);

test("expand() knows every form of a variable", () => {
  const table: [source: string, want: string][] = [
    ["hello", "hello"],
    ["$PWD/x", "/home/x"],
    ["${PWD}x", "/homex"],
    ["$UNSET.", "."],
    ["$", "$"],
    ["a$ b", "a$ b"],
    ["$1a", "a"],
    ["$@x", "x"],
    ["\\$PWD", "$PWD"],
    ["'$PWD'", "$PWD"],
    ['"$PWD"', "/home"],
    ['"\\$PWD"', "$PWD"],
    ['"a\\b"', "a\\b"],
    ['"a\\"b"', 'a"b'],
    ["he'l'l\"o\"", "hello"],
    ["a\\'b", "a'b"],
    ["trailing\\", "trailing"],
    ["${UNSET:-def}", "def"],
    ["${UNSET-def}", "def"],
    ["${EMPTY:-def}", "def"],
    ["${EMPTY-def}", ""],
    ["${PWD:-def}", "/home"],
    ["${UNSET:-$PWD}", "/home"],
    ["${UNSET:-${OTHER:-${PWD}}}", "/home"],
    ["${UNSET:-a\\}b}", "a}b"],
    ["${UNSET:-'$PWD'}", "$PWD"],
    ["${PWD:+set}", "set"],
    ["${EMPTY:+set}", ""],
    ["${EMPTY+set}", "set"],
    ["${UNSET+set}", ""],
    ["${PWD:?no}", "/home"],
    ["${EMPTY?no}", ""],
    ["${PATH_#*/}", "bar/baz.tar.gz"],
    ["${PATH_##*/}", "baz.tar.gz"],
    ["${PATH_%.*}", "foo/bar/baz.tar"],
    ["${PATH_%%.*}", "foo/bar/baz"],
    ["${PATH_%nomatch}", "foo/bar/baz.tar.gz"],
    ["${PATH_#f?o}", "/bar/baz.tar.gz"],
    ["${PATH_/ba?/X}", "foo/X/baz.tar.gz"],
    ["${PATH_//ba?/X}", "foo/X/X.tar.gz"],
    ["${PATH_//\\//-}", "foo-bar-baz.tar.gz"],
    ["${STAR#a\\*}", "b*c"],
    ["${STAR%%\\**}", "a"],
    ["${PATH_/a*a/_}", "foo/b_r.gz"],
    ["<<EOF", "<<EOF"],
  ];
  for (const [source, want] of table) assert.equal(expand(source, { environment }).text, want, source);
});

test("expand() cuts words after expansion, where blanks were not quoted", () => {
  const list = new EnvironmentList([["TWO", "a b"]]);
  const table: [source: string, want: string[]][] = [
    ["  x  y ", ["x", "y"]],
    ["$TWO", ["a", "b"]],
    ['"$TWO"', ["a b"]],
    ["pre${TWO}post", ["prea", "bpost"]],
    ["a\\ b", ["a b"]],
    ["a << EOF b", ["a", "<< EOF", "b"]],
    ["''", []],
  ];
  for (const [source, want] of table) assert.deepEqual(expand(source, { environment: list }).words, want, source);
});

test("expand() says which variables it met", () => {
  const { matched, unmatched } = expand("$PWD ${UNSET:-$ALSO}", { environment });
  assert.deepEqual([...matched], ["PWD"]);
  assert.deepEqual([...unmatched].sort(), ["ALSO", "UNSET"]);
});

test("expand() can leave quotes, escapes and unset variables alone", () => {
  assert.equal(
    expand("'a' \"$PWD\" $UNSET ${UNSET:-x}", { environment, rawQuotes: true, keepUnset: true }).text,
    "'a' \"/home\" $UNSET ${UNSET:-x}",
  );
  assert.equal(expand("a\\$b", { rawEscapes: true }).text, "a\\$b");
  assert.equal(expand("it's $PWD", { environment, ignoreQuotes: true }).text, "it's /home");
  assert.equal(expand("`$PWD C:\\x", { environment, escape: "`" }).text, "$PWD C:\\x");
});

test("expand() refuses what a shell would refuse, in BuildKit's words", () => {
  const table: [source: string, want: RegExp][] = [
    ["${PWD", /syntax error: missing '}'/],
    ["${", /syntax error: missing '}'/],
    ["${}", /syntax error: bad substitution/],
    ["${:x}", /bad substitution/],
    ["${UNSET:-a", /syntax error: missing '}'/],
    ["${PWD/a}", /syntax error: missing '\/' in \$\{\}/],
    ["${PWD^}", /unsupported modifier \(\^\) in substitution/],
    ["${PWD:#x}", /unsupported modifier \(:#\) in substitution/],
    ["${UNSET:?}", /UNSET: is not allowed to be unset/],
    ["${EMPTY:?}", /EMPTY: is not allowed to be empty/],
    ["${UNSET?give me}", /UNSET: give me/],
    ["${PWD#\\a}", /invalid pattern \(\\a\) in substitution: invalid escape '\\a'/],
    ["'abc", /looking for matching single-quote/],
    ['"abc', /looking for matching double-quote/],
  ];
  for (const [source, want] of table) assert.throws(() => expand(source, { environment }), want, source);
});

test("expand() bounds depth, size and time", () => {
  assert.throws(() => expand("${a:-".repeat(50_000)), /nested too deeply/);
  const big = new EnvironmentList([["B", "x".repeat(70_000)]]);
  assert.throws(() => expand("$B$B", { environment: big }), /longer than/);
  const long = new EnvironmentList([["L", "a".repeat(100_000)]]);
  assert.throws(() => expand(`\${L//${"*a".repeat(100)}b/x}`, { environment: long }), /takes too long/);
});
