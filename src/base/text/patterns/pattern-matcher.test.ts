import assert from "node:assert/strict";
import { test } from "node:test";
import { BuildError } from "../../errors/mod.ts";
import { createPatternMatcher, type DirectoryVerdict } from "./mod.ts";

const table: [patterns: string[], path: string, want: boolean][] = [
  [[], "a", false],
  [["**"], "a/b", true],
  [["**"], "a", true],
  [["**/"], "dir/file", true],
  [["**/**"], "dir2/dir2/file", true],
  [["**/*"], "a/b", true],
  [["*"], "a", true],
  [["*"], "a/b", true], // its directory matches
  [["*.go"], "a.go", true],
  [["*.go"], "a/b.go", false],
  [["**/*.go"], "a/b.go", true],
  [["**/*.go"], "b.go", true],
  [["dir/**"], "dir/file", true],
  [["dir/**"], "dir", false],
  [["dir/**"], "dir/a/b/c", true],
  [["dir"], "dir/a/b", true],
  [["dir"], "dirx", false],
  [["dir/"], "dir/a", true],
  [["./dir"], "dir/a", true],
  [["**/dir2/*"], "dir/dir2/file", true],
  [["**/dir2/*"], "dir/dir2/dir2/file", true],
  [["**/dir2/**"], "dir/dir2/dir2/file.txt", true],
  [["**file"], "dir/dir/file", true],
  [["**file"], "myfile", true],
  [["**/file"], "dir/file", true],
  [["**/file"], "file", true],
  [["**/file"], "xfile", false],
  [["**file.txt"], "dir/dir/file.txt", true],
  [["**/file*txt"], "dir/file.txt", true],
  [["a**/*.txt"], "a.txt", true],
  [["a**/*.txt"], "a/dir/file.txt", true],
  [["a**/*.txt"], "b/file.txt", false],
  [["a[b-d]e"], "ace", true],
  [["a[b-d]e"], "aae", false],
  [["a[^b-d]e"], "aze", true],
  [[".*"], ".foo", true],
  [[".*"], "foo", false],
  [["abc.def"], "abcdef", false],
  [["abc.def"], "abc.def", true],
  [["abc?def"], "abcZdef", true],
  [["abc?def"], "abc/def", false],
  [["a\\\\"], "a\\", true],
  [["a\\*"], "a*", true],
  [["a\\*"], "ab", false],
  [["\\a"], "a", false],
  [["a\\d"], "a7", true],
  [["dir\\build"], "dirbuild", false],
  [["**/foo/bar"], "foo/bar", true],
  [["**/foo/bar"], "dir/foo/bar", true],
  [["abc/**"], "abc/def/ghi", true],
  [["**/.foo"], ".foo", true],
  [["**/.foo"], "bar.foo", false],
  [["a(b)c/def"], "a(b)c/def", true],
  [["a.|)$(}+{bc"], "a.|)$(}+{bc", true],
  [["*", "!util/docker/web"], "util/docker/web/foo", false],
  [["*", "!util/docker/web", "util/docker/web/foo"], "util/docker/web/foo", true],
  [["*", "!util/docker/web"], "util/docker/other", true],
  [["docs", "!docs/README.md"], "docs/README.md", false],
  [["docs", "!docs/README.md"], "docs/x", true],
  [["!docs/README.md", "docs"], "docs/README.md", true],
  [["**/*.md", "!**/keep/*.md"], "a/keep/b.md", false],
  [["?"], "é", true],
  [["?"], "😀", true],
  [["*/*/*/*/x"], "a/b/c/d/x", true],
  [["*a*b*c"], "1a2b3c", true],
  [["*a*b*c"], "1a2b/3c", false],
  [["**/a/**/b/**/c"], "a/x/b/c", true],
  [["**/a/**/b/**/c"], "z/y/a/b/q/c", true],
  [["**/a/**/b/**/c"], "z/y/a/bb/q/c", false],
];

test("matches() follows filepath.Match, **, ! and directories", () => {
  for (const [patterns, path, want] of table) {
    assert.equal(createPatternMatcher(patterns).matches(path), want, `${JSON.stringify(patterns)} ~ ${path}`);
  }
});

test("a walk that hands verdicts down decides as a look at the whole path does", () => {
  for (const [patterns, path, want] of table) {
    const matcher = createPatternMatcher(patterns);
    let verdict: DirectoryVerdict = { matched: false, byPattern: [] };
    let first = true;
    const parts = path.split("/");
    for (let depth = 1; depth < parts.length; depth++) {
      verdict = matcher.enter(parts.slice(0, depth).join("/"), first ? undefined : verdict);
      first = false;
    }
    assert.equal(
      first ? matcher.matches(path) : matcher.matches(path, verdict),
      want,
      `${JSON.stringify(patterns)} ~ ${path}`,
    );
  }
});

test("mayMatchBelow() and mayExceptBelow() let a walk skip directories", () => {
  const below: [pattern: string, directory: string, want: boolean][] = [
    ["src/a.ts", "src", true],
    ["src/a.ts", "lib", false],
    ["src/a.ts", "src/a.ts", false],
    ["src/*/x", "src/q", true],
    ["src/*/x", "src/q/y", false],
    ["*.ts", "src", false],
    ["**/x", "any/where", true],
    ["src/**", "src/deep/er", true],
    ["src/**", "lib", false],
    ["a[/]b/c", "a", true],
  ];
  for (const [pattern, directory, want] of below) {
    const includes = createPatternMatcher([pattern]);
    assert.equal(
      includes.mayMatchBelow(directory, { matched: false, byPattern: [false] }),
      want,
      `${pattern} below ${directory}`,
    );
    assert.equal(
      createPatternMatcher(["*", `!${pattern}`]).mayExceptBelow(directory),
      want,
      `!${pattern} below ${directory}`,
    );
  }
  const includes = createPatternMatcher(["src"]);
  assert.equal(includes.mayMatchBelow("src", includes.enter("src")), true, "everything below a match matches");
});

test("bad patterns are refused", () => {
  for (const bad of ["[", "[^", "[]a]", "[-]", "[x-]", "[-x]", "[a-b-c]", "a[", "[^bc", "a\\", "a\\y", "[b-a]", "!"]) {
    assert.throws(
      () => createPatternMatcher([bad]),
      (error) => error instanceof BuildError && error.code === "invalid_argument",
      bad,
    );
  }
});

test("a pattern made to explode takes linear time", () => {
  const matcher = createPatternMatcher([`${"*a".repeat(200)}b`, `${"**/a".repeat(100)}`]);
  const start = process.cpuUsage().user;
  assert.equal(matcher.matches("a".repeat(4000)), false);
  assert.ok(process.cpuUsage().user - start < 2_000_000);
});
