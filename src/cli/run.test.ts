import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { BuildError } from "../base/errors/mod.ts";
import { type Command, defineCommand } from "./command.ts";
import { rootCommand } from "./commands/root.ts";
import { runCli } from "./run.ts";
import { testContext } from "./testing/context.ts";

async function run(...argv: string[]) {
  const { context, out, err } = testContext();
  const code = await runCli(rootCommand, argv, context);
  return { code, out: out(), err: err() };
}

suite("runCli()", () => {
  test("prints the version on one line", async () => {
    assert.deepEqual(await run("version"), { code: 0, out: "polyarch 1.2.3 abc\n", err: "" });
  });
  test("prints the same help for --help anywhere and for the help command", async () => {
    const wanted = await run("build", "--help");
    assert.equal(wanted.code, 0);
    assert.match(
      wanted.out,
      /^Start a build\n\nUsage:\n {2}polyarch build \[OPTIONS\] PATH \| URL \| -\n\nAliases:\n {2}build, b\n\nFlags:\n/,
    );
    assert.match(wanted.out, /\n {2}-t, --tag stringArray {15}Name and optionally a tag/);
    assert.deepEqual(await run("build", "-t", "x", "-h"), wanted);
    assert.deepEqual(await run("--debug", "b", "--help"), wanted);
    assert.deepEqual(await run("help", "build"), wanted);
  });
  test("shows what there is when no command is given", async () => {
    const { code, out } = await run();
    assert.equal(code, 0);
    assert.match(out, /Available Commands:\n(?: {2}.*\n)* {2}build {7}Start a build\n/);
  });
  test("refuses an unknown command and says which one may have been meant", async () => {
    const { code, err } = await run("buld", ".");
    assert.equal(code, 1);
    assert.equal(err, `ERROR: unknown command: "buld"\n\nDid you mean 'polyarch build'?\n`);
  });
  test("refuses a command of buildx that is not served yet, whatever flags it has, and says what to do", async () => {
    for (const args of [["bake"], ["--builder", "x", "bake", "-f", "x.hcl"], ["debug", "--nope"]]) {
      const { code, out, err } = await run(...args);
      assert.deepEqual([code, out], [1, ""]);
      assert.match(err, /^ERROR: (bake|debug) is not supported by polyarch yet: .+\n\nSee 'polyarch.* --help'\.\n$/);
    }
  });
  test("refuses an unknown flag and says where to read on", async () => {
    const { code, out, err } = await run("build", "--frob", ".");
    assert.deepEqual([code, out, err], [1, "", "ERROR: unknown flag: --frob\n\nSee 'polyarch build --help'.\n"]);
  });
  test("refuses a flag of buildx that is not served yet by its name", async () => {
    const { code, err } = await run("build", "--policy", "strict=true", ".");
    assert.equal(code, 1);
    assert.match(err, /^ERROR: --policy is not supported by polyarch yet/);
  });
  test("counts arguments", async () => {
    assert.match(
      (await run("build")).err,
      /^ERROR: 'polyarch build' requires 1 argument\n\nUsage: {2}polyarch build \[OPTIONS\] PATH/,
    );
    assert.match((await run("version", "x")).err, /^ERROR: 'polyarch version' requires 0 arguments/);
  });
  test("takes global flags before the command, with values that look like commands", async () => {
    assert.equal((await run("--builder", "build", "version")).out, "polyarch 1.2.3 abc\n");
  });

  const failing = (error: unknown): Command => ({
    name: "polyarch",
    summary: "",
    flags: {},
    commands: [defineCommand({ name: "fail", summary: "", flags: {}, run: () => Promise.reject(error as Error) })],
  });
  const codes: [unknown, number][] = [
    [new Error("x"), 1],
    [new BuildError("not_found", "x"), 1],
    [new BuildError("internal", "x"), 100],
    [new BuildError("resource_exhausted", "x"), 102],
    [new BuildError("canceled", "x"), 130],
    [new DOMException("aborted", "AbortError"), 130],
  ];
  for (const [error, want] of codes) {
    test(`exits with ${want} after ${(error as Error).name} ${error instanceof BuildError ? error.code : ""}`, async () => {
      const { context, err } = testContext();
      assert.equal(await runCli(failing(error), ["fail"], context), want);
      assert.match(err(), /^ERROR: /);
    });
  }
  test("exits with 130 whatever error a cancelled command ends in", async () => {
    const { context } = testContext({ signal: AbortSignal.abort() });
    assert.equal(await runCli(failing(new Error("socket hang up")), ["fail"], context), 130);
  });
});
