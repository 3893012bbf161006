import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { rootCommand } from "../commands/root.ts";
import { completionScript } from "./mod.ts";

/** What bash offers for a command line whose last word is being typed. */
function bashOffers(...words: string[]): string[] {
  const script = `${completionScript("bash", rootCommand)}
COMP_WORDS=(${words.map((word) => `'${word}'`).join(" ")}); COMP_CWORD=${words.length - 1}; _polyarch 2>/dev/null; printf '%s\\n' "\${COMPREPLY[@]}"`;
  const { stdout, status, stderr } = spawnSync("bash", ["-c", script], { encoding: "utf8" });
  assert.equal(status, 0, stderr);
  return stdout.split("\n").filter((line) => line !== "");
}

test("bash completes commands, flags and the values of flags", () => {
  assert.deepEqual(bashOffers("polyarch", "bu"), ["build"]);
  assert.deepEqual(bashOffers("polyarch", "imagetools", ""), ["create", "inspect"]);
  assert.deepEqual(bashOffers("polyarch", "b", "--plat"), ["--platform"]);
  assert.deepEqual(bashOffers("polyarch", "build", "--progress", "pl"), ["plain"]);
  assert.deepEqual(bashOffers("polyarch", "build", "--progress", "=", "raw"), ["rawjson"]);
  assert.deepEqual(bashOffers("polyarch", "build", "--polic"), []);
});

for (const shell of ["zsh", "fish"] as const) {
  test(`the script for ${shell} names every command and flag`, () => {
    const script = completionScript(shell, rootCommand);
    for (const word of ["imagetools", "inspect", "completion", "platform", "metadata-file"])
      assert.ok(script.includes(word), word);
    assert.doesNotMatch(script, /polic|security-opt/);
  });
}
