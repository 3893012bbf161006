import assert from "node:assert/strict";
import { test } from "node:test";
import { type GitUrl, parseGitUrl } from "./mod.ts";

test("parseGitUrl() tells repositories from paths and from other addresses", () => {
  const table: [text: string, want: Partial<GitUrl> | undefined][] = [
    ["https://h.org/a/b.git", { scheme: "https", host: "h.org", path: "/a/b.git", remote: "https://h.org/a/b.git" }],
    ["https://h.org/a/b.git#v1:sub/../dir/", { ref: "v1", subdir: "dir", remote: "https://h.org/a/b.git" }],
    ["https://h.org/a/b.git#:d", { ref: "", subdir: "d" }],
    ["https://u:p@h.org:1/a.git", { host: "h.org:1", remote: "https://u:p@h.org:1/a.git" }],
    ["https://h.org/a/b.tar.gz", undefined],
    ["https://h.org/a.git/b", undefined],
    ["ssh://git@h.org:22/a/b", { scheme: "ssh", host: "h.org:22", remote: "ssh://git@h.org:22/a/b" }],
    ["git@h.org:a/b.git#main", { scheme: "ssh", host: "h.org", path: "a/b.git", ref: "main" }],
    ["git://h.org/a", { scheme: "git", remote: "git://h.org/a" }],
    ["github.com/a/b", { likeLocalPath: true, remote: "github.com/a/b" }],
    ["ftp://h.org/a.git", undefined],
    ["./git@h.org:a", undefined],
    ["some/path.git", undefined],
    ["https://h.org/a.git?tag=v1", { ref: "refs/tags/v1" }],
    ["https://h.org/a.git?branch=refs/heads/x&subdir=d", { ref: "refs/heads/x", subdir: "d" }],
    [
      "https://h.org/a.git?commit=abc&keep-git-dir&submodules=false&mtime=commit",
      { checksum: "abc", keepGitDir: true, submodules: false, mtime: "commit" },
    ],
  ];
  for (const [text, want] of table) {
    const got = parseGitUrl(text);
    if (!want) assert.equal(got, undefined, text);
    else assert.deepEqual({ ...got, ...want }, got, text);
  }
});

test("parseGitUrl() refuses queries that contradict themselves, in BuildKit's words", () => {
  const table: [query: string, message: string][] = [
    ["?ref=a#b", 'ref conflicts: "b" vs "a"'],
    ["?subdir=a#b:c", 'subdir conflicts: "c" vs "a"'],
    ["?tag=a&branch=b", "branch conflicts with tag"],
    ["?ref=a&tag=a", 'ref conflicts: "a" vs "refs/tags/a"'],
    ["?q=1", 'unexpected query "q"'],
    ["?ref=", 'query "ref" has no value'],
    ["?ref=a&ref=b", 'query "ref" has multiple values'],
    ["?submodules=x", 'invalid submodules value: "x"'],
    ["?mtime=x", 'invalid mtime value: "x" (must be "checkout" or "commit")'],
  ];
  for (const [query, message] of table) assert.throws(() => parseGitUrl(`https://h/a.git${query}`), { message }, query);
});
