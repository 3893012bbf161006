import assert from "node:assert/strict";
import { test } from "node:test";
import { BuildError } from "../base/errors/mod.ts";
import { expand, Linter, noLintOptions, parseDockerfile, parseInstructions } from "./mod.ts";

const options = { filename: "Dockerfile" };

function parse(bytes: Uint8Array): unknown {
  return parseInstructions(parseDockerfile(bytes, options), { linter: new Linter(noLintOptions) });
}

/** What parsing says, and what it takes of the processor. */
function failure(bytes: Uint8Array): { readonly message: string; readonly cpuMs: number } {
  const before = process.cpuUsage();
  try {
    parse(bytes);
  } catch (error) {
    assert.ok(error instanceof BuildError, String(error));
    const { user, system } = process.cpuUsage(before);
    return { message: error.message, cpuMs: (user + system) / 1000 };
  }
  throw new assert.AssertionError({ message: "parsed" });
}

test("a line of 100 MB is refused without being read", () => {
  const bytes = Buffer.alloc(100 * 1024 * 1024, "x");
  bytes.write("FROM a\nRUN ");
  const { arrayBuffers, heapUsed } = process.memoryUsage();
  const { message, cpuMs } = failure(bytes);
  assert.equal(message, "dockerfile line greater than max allowed size of 65535");
  assert.ok(cpuMs < 5_000, `${cpuMs} ms`);
  const after = process.memoryUsage();
  assert.ok(after.arrayBuffers + after.heapUsed - arrayBuffers - heapUsed < 50 * 1024 * 1024);
});

test("100,000 instructions are refused in seconds", () => {
  const { message, cpuMs } = failure(Buffer.from(`FROM a\n${"RUN x\n".repeat(100_000)}`));
  assert.equal(message, "dockerfile parse error on line 10001: more than 10000 instructions");
  assert.ok(cpuMs < 10_000, `${cpuMs} ms`);
});

test("what is nested deeply is refused, whatever it is", () => {
  assert.throws(() => expand("${a:-".repeat(10_000) + "}".repeat(10_000)), /nested too deeply/);
  assert.throws(() => expand("${a/".repeat(10_000)), /nested too deeply/);
  assert.match(failure(Buffer.from(`FROM a\n${"ONBUILD ".repeat(8_000)}RUN x`)).message, /ONBUILD ONBUILD/);
  // JSON that is nested deeply is no list of strings, or no JSON at all: then it is text for a shell.
  const nested = Buffer.from(`FROM a\nRUN ${"[".repeat(30_000)}${"]".repeat(30_000)}`);
  assert.match(failure(nested).message, /arrays must be comprised of strings only/);
  const heredocs = `FROM a\nRUN ${Array.from({ length: 5_000 }, (_, at) => `<<A${at}`).join(" ")}\n`;
  assert.match(failure(Buffer.from(heredocs)).message, /unterminated heredoc/);
});

test("bytes that are no UTF-8 are taken as they can be, in text, in words and in heredocs", () => {
  const bytes = Buffer.concat([
    Buffer.from("FROM a\nENV x="),
    Buffer.from([0xff, 0xfe, 0xc3]),
    Buffer.from("\nRUN <<E\n"),
    Buffer.from([0x80, 0x00, 0x81, 0x0a]),
    Buffer.from("E\nLABEL y=\xed\xa0\x80z", "latin1"),
  ]);
  const { stages } = parseInstructions(parseDockerfile(bytes, options));
  assert.deepEqual(
    stages[0]?.instructions.map(({ type }) => type),
    ["env", "run", "label"],
  );
});

test("continuations, comments and escapes without end take linear time", () => {
  const before = process.cpuUsage();
  parse(Buffer.from(`FROM a\nRUN x${" \\\n".repeat(200_000)}y`));
  parse(Buffer.from(`FROM a\nRUN x \\\n${"# c\n".repeat(200_000)}y`));
  parse(Buffer.from(`FROM a\nRUN x \\\n${"\n".repeat(200_000)}y`));
  parse(Buffer.from(`FROM a\nENV a=${"\\".repeat(60_000)}\nLABEL b='${'"'.repeat(60_000)}'`));
  const { user } = process.cpuUsage(before);
  assert.ok(user < 10_000_000, `${user / 1e6} s`);
});
