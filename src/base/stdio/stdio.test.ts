import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { openCommandStream, parseSshTarget, sshArguments } from "./mod.ts";

const signal = AbortSignal.timeout(600_000);

suite("openCommandStream()", () => {
  test("carries what the program reads and writes", async () => {
    const stream = await openCommandStream("tr", ["a-z", "A-Z"], { signal });
    const sent = "hello ".repeat(100_000);
    stream.end(sent);
    assert.equal(Buffer.concat(await stream.toArray()).toString(), sent.toUpperCase());
  });
  test("fails with what a failing program said", async () => {
    const stream = await openCommandStream("sh", ["-c", "echo no way in >&2; exit 255"], { signal });
    await assert.rejects(stream.toArray(), {
      message: "command [sh] has exited with exit status 255, stderr=no way in",
    });
  });
  test("fails when there is no such program", async () => {
    await assert.rejects(openCommandStream("/nonexistent/ssh", [], { signal }), { code: "ENOENT" });
  });
});

test("sshArguments() keeps each word of the command one word on the other side", () => {
  const target = parseSshTarget("ssh://me@host:2222");
  const words = sshArguments(target, ["docker", "--host=unix:///a b", "it's"]);
  const options = "-l me -p 2222 -o ConnectTimeout=30 -T -- host".split(" ");
  assert.deepEqual(words, [...options, "docker", "'--host=unix:///a b'", "'it'\\''s'"]);
});
