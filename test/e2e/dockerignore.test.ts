import assert from "node:assert/strict";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { openHouse } from "./harness.ts";

const house = await openHouse();

const files = {
  "keep.txt": "",
  "notes.md": "",
  "README.md": "",
  "logs/a.log": "",
  "logs/deep/b.log": "",
  "logs/deep/important.log": "",
  "node_modules/package/index.js": "",
  "sub/node_modules/package/index.js": "",
  "src/main.c": "",
  "src/main.o": "",
};
const everything = Object.keys(files);

async function copied(
  ignore: string,
  extra: Readonly<Record<string, string>> = {},
  args: string[] = [],
): Promise<string[]> {
  const context = await house.context({
    ...files,
    Dockerfile: "FROM scratch\nCOPY . /\n",
    ".dockerignore": `${ignore}\nDockerfile*\n.dockerignore\n`,
    ...extra,
  });
  const out = await house.exported(
    context,
    args.map((arg) => arg.replace("CONTEXT", context)),
  );
  const entries = await readdir(out, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(out.length + 1))
    .toSorted();
}

const without = (...gone: string[]) => everything.filter((path) => !gone.includes(path)).toSorted();

const cases: [name: string, ignore: string, want: string[]][] = [
  ["nothing but itself", "", without()],
  ["a pattern of the root only", "*.md", without("notes.md", "README.md")],
  ["a later exception", "*.md\n!README.md", without("notes.md")],
  ["a directory and all in it", "logs", without("logs/a.log", "logs/deep/b.log", "logs/deep/important.log")],
  [
    "an exception inside an excluded directory",
    "logs\n!logs/deep/important.log",
    without("logs/a.log", "logs/deep/b.log"),
  ],
  [
    "any depth, with two stars",
    "**/node_modules",
    without("node_modules/package/index.js", "sub/node_modules/package/index.js"),
  ],
  ["two stars in the middle", "logs/**/*.log", without("logs/a.log", "logs/deep/b.log", "logs/deep/important.log")],
  [
    "comments, blank lines and slashes at both ends",
    "# a comment\n\n/src/main.o\n  /logs/  \n",
    without("src/main.o", "logs/a.log", "logs/deep/b.log", "logs/deep/important.log"),
  ],
  ["all but a few", "*\n!src", ["src/main.c", "src/main.o"]],
];
for (const [name, ignore, want] of cases) {
  test(`.dockerignore: ${name}`, async () => assert.deepEqual(await copied(ignore), want));
}

test("a .dockerignore beside the Dockerfile, of its name, comes first", async () => {
  const got = await copied(
    "src",
    {
      "other.Dockerfile": "FROM scratch\nCOPY . /\n",
      "other.Dockerfile.dockerignore": "logs\n*Dockerfile*\n.dockerignore\n",
    },
    ["--file", "CONTEXT/other.Dockerfile"],
  );
  assert.deepEqual(got, without("logs/a.log", "logs/deep/b.log", "logs/deep/important.log"));
});

test("a file that is ignored cannot be copied, and the error says which, and why", async () => {
  const context = await house.context({
    Dockerfile: "FROM scratch\nCOPY secret.txt /\n",
    ".dockerignore": "secret.txt\n",
    "secret.txt": "",
  });
  const { stderr } = await house.fails(context);
  assert.match(stderr, /"\/secret\.txt": not found \(excluded by line 1 of \.dockerignore: "secret\.txt"\)/);
  const mistyped = await house.context({ Dockerfile: "FROM scratch\nCOPY secert.txt /\n", "secret.txt": "" });
  assert.match((await house.fails(mistyped)).stderr, /"\/secert\.txt": not found \(did you mean secret\.txt\?\)/);
});
