import assert from "node:assert/strict";
import { test } from "node:test";
import { explainFailure, StderrFilter } from "./messages.ts";

function filter(...chunks: string[]): { passed: string; messages: readonly string[] } {
  let passed = "";
  const stderr = new StderrFilter((bytes) => {
    passed += Buffer.from(bytes).toString();
  });
  for (const chunk of chunks) stderr.push(Buffer.from(chunk));
  return { messages: stderr.end(), passed };
}

const line = (msg: string, level = "error") => `${JSON.stringify({ msg, level, time: "2026-11-20T23:35:43Z" })}\n`;

test("StderrFilter keeps a runtime's messages to itself, in whatever pieces they come", () => {
  const text = line("careful", "warning") + line("open executable: Permission denied");
  assert.deepEqual(filter(text), { messages: ["open executable: Permission denied"], passed: "" });
  assert.deepEqual(filter(...text.split("")), { messages: ["open executable: Permission denied"], passed: "" });
});

for (const chunks of [
  ["E: no such package\n"],
  ["{", '"compilerOptions": 1}\n', "rest"],
  ["{\n"],
  ["exec summary follows"],
  ["e", "cho"],
  [`{"${"x".repeat(20_000)}`],
  [""],
]) {
  test(`StderrFilter passes what a process prints: ${JSON.stringify(chunks.join("|").slice(0, 40))}`, () => {
    assert.deepEqual(filter(...chunks), { messages: [], passed: chunks.join("") });
  });
}

for (const text of [`hello\n${line("x")}`, `${line("x")}hello\n`, "exec /bin/x: permission denied\nhello\n"]) {
  test(`StderrFilter passes a look-alike with other output around it: ${JSON.stringify(text.slice(0, 20))}`, () => {
    assert.deepEqual(filter(text), { messages: [], passed: text });
    assert.deepEqual(filter(...text.split("")), { messages: [], passed: text });
  });
}

for (const [message, command, text, code] of [
  [
    "executable file `nope` not found in $PATH: No such file or directory",
    "nope",
    "exec nope: executable file not found in $PATH: no such file or directory",
    127,
  ],
  [
    "executable file `/bin/sh` not found in $PATH: No such file or directory",
    "/bin/sh",
    "exec /bin/sh: no such file or directory",
    127,
  ],
  [
    "exec container process (missing dynamic library?) `/x`: No such file or directory",
    "/x",
    "exec /x: no such file or directory",
    127,
  ],
  ["exec container process `/bin/x`: Exec format error", "x", "exec x: exec format error", 126],
  ["open executable: Permission denied", "/x", "exec /x: permission denied", 126],
  ["open executable: Operation not permitted", "/x", "exec /x: permission denied", 126],
  [
    'runc run failed: unable to start container process: exec: "/x": stat /x: no such file or directory',
    "/x",
    "exec /x: no such file or directory",
    127,
  ],
  [
    'runc run failed: unable to start container process: exec: "x": executable file not found in $PATH',
    "x",
    "exec x: executable file not found in $PATH: no such file or directory",
    127,
  ],
  [
    'runc run failed: unable to start container process: exec: "/x": permission denied',
    "/x",
    "exec /x: permission denied",
    126,
  ],
  ["exec /x: exec format error", "/x", "exec /x: exec format error", 126],
] as const) {
  test(`explainFailure() makes a shell's answer of: ${message}`, () => {
    const reason = code === 127 ? "missing" : text.endsWith("format error") ? "format" : "forbidden";
    assert.deepEqual(explainFailure([message], command), { type: "command", reason, text, code });
  });
}

test("explainFailure() tells a machine's fault from a command's", () => {
  assert.equal(explainFailure(["cgroups in hybrid mode not supported"], "x")?.type, "refusal");
  assert.equal(explainFailure(["mount `proc` to `proc`: Operation not permitted"], "x")?.type, "other");
  assert.equal(explainFailure([], "x"), undefined);
});
