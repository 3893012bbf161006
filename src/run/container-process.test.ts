import assert from "node:assert/strict";
import { suite, test } from "node:test";
import type { gateway } from "../api/mod.ts";
import { runProcess } from "./container-process.ts";

type Input = gateway.ExecMessage["Input"]["case"];

/** Runs a process of an engine that says these things of it, in this order. */
async function told(...said: readonly Exclude<Input, undefined>[]) {
  const values = { Started: {}, Exit: { Code: 3 }, Done: {} } as Readonly<Record<string, object>>;
  return await runProcess(
    async function* (requests) {
      for await (const { ProcessID } of requests) {
        for (const name of said) yield { ProcessID, Input: { case: name, value: values[name] } } as never;
        return;
      }
    },
    {
      containerId: "c",
      process: { args: ["x"], env: [], cwd: "/", user: "" } as never,
      tty: false,
      streams: { stdin: undefined, stdout: () => Promise.resolve(), stderr: () => Promise.resolve() } as never,
      onStarted: () => undefined,
    },
  );
}

suite("runProcess()", () => {
  test("waits for how the process ended, whether that is told before the end of its streams or after", async () => {
    assert.equal((await told("Started", "Exit", "Done")).code, 3);
    assert.equal((await told("Started", "Done", "Exit")).code, 3);
  });
  test("misses what was never told", async () => {
    await assert.rejects(told("Started", "Done"), { message: "the engine did not tell how the process ended" });
    await assert.rejects(told("Started"), { message: "the engine left while the process was running" });
  });
});
