import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import type { Position } from "../base/errors/mod.ts";
import { type InstructionNode, parseDockerfile, parseInstructions, type Word } from "./mod.ts";

// UPDATE_GOLDEN=1 rewrites what is expected; look at the difference before you commit it.
const update = process.env["UPDATE_GOLDEN"] === "1";
const folder = new URL("testdata/", import.meta.url);

for (const name of readdirSync(folder)) {
  test(`testdata/${name} parses as written down`, () => {
    const bytes = readFileSync(new URL(`${name}/Dockerfile`, folder));
    const ast = parseDockerfile(bytes, { filename: "Dockerfile" });
    const shown = {
      directives: ast.directives.map(({ name: directive, value, range }) => `${at(range.start)} ${directive} ${value}`),
      escape: ast.escape,
      emptyContinuations: ast.emptyContinuations.map((range) => range.start.line),
      instructions: ast.instructions.map(showNode),
      dockerfile: JSON.parse(JSON.stringify(parseInstructions(ast), withoutRanges)) as unknown,
    };
    compare(new URL(`${name}/ast.json`, folder), shown);
  });

  test(`testdata/${name}: every word stands where its position says`, () => {
    const bytes = readFileSync(new URL(`${name}/Dockerfile`, folder));
    const ast = parseDockerfile(bytes, { filename: "Dockerfile" });
    const lines = ast.text.split("\n");
    const check = (node: InstructionNode) => {
      assert.equal(
        lines[node.keyword.start.line - 1]?.slice(node.keyword.start.character, node.keyword.end.character),
        node.keyword.text,
      );
      for (const word of node.args) {
        if (node.json || word.start.line !== word.end.line) continue;
        const there = lines[word.start.line - 1]?.slice(word.start.character, word.end.character) ?? "";
        assert.ok(there === word.text || there.includes("\\") || there.includes("`"), `${there} | ${word.text}`);
      }
      if (node.trigger) check(node.trigger);
    };
    for (const node of ast.instructions) check(node);
  });
}

function showNode(node: InstructionNode): unknown {
  return {
    at: `${node.range.start.line}-${node.range.end.line}`,
    keyword: show(node.keyword),
    ...(node.flags.length > 0 && { flags: node.flags.map(show) }),
    ...(node.json && { json: true }),
    ...(node.args.length > 0 && { args: node.args.map(show) }),
    ...(node.pairs && { pairs: node.pairs.map((pair) => [show(pair.key), show(pair.value)]) }),
    ...(node.heredocs.length > 0 && { heredocs: node.heredocs }),
    ...(node.comments.length > 0 && { comments: node.comments }),
    ...(node.trigger && { trigger: showNode(node.trigger) }),
  };
}

const at = ({ line, character }: Position) => `${line}:${character}`;
const show = (word: Word) => `${at(word.start)}-${at(word.end)} ${word.text}`;

function withoutRanges(key: string, value: unknown): unknown {
  return key === "range" || key === "comments" ? undefined : value;
}

function compare(file: URL, shown: unknown): void {
  const text = `${JSON.stringify(shown, undefined, 2)}\n`;
  if (update || !existsSync(file)) {
    assert.ok(update, `${file.pathname} is missing: run with UPDATE_GOLDEN=1`);
    writeFileSync(file, text);
  }
  assert.equal(text, readFileSync(file, "utf8"));
}
