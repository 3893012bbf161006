import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { gone, openHouse } from "./harness.ts";

/** Frontends are images that anybody may have made: they end with their build, whatever they say. */
const house = await openHouse();
const { host } = house.registry;

/** A frontend that is a shell script. @returns a context that asks for it */
async function scripted(name: string, script: string): Promise<string> {
  const image = `${host}/${name}:1`;
  const dockerfile = `FROM ${house.base}\nENTRYPOINT ${JSON.stringify(["sh", "-c", script])}\n`;
  await house.build(await house.context({ Dockerfile: dockerfile }), ["--tag", image, "--push"]);
  return await house.context({ Dockerfile: `# syntax=${image}\nwords\n` });
}

suite("a frontend", () => {
  for (const [what, script, says] of [
    ["that ends without a word", "exit 0", /no result for incomplete build/],
    ["that says what nobody understands, and ends", "head -c 3000000 /dev/urandom", /no result for incomplete build/],
    ["that says it for ever", "cat /dev/zero # 8861", /frontend grpc server closed unexpectedly/],
    [
      "that begins well and then says it for ever",
      `printf 'PRI * HTTP/2.0\\r\\n\\r\\nSM\\r\\n\\r\\n'; cat /dev/zero # 8861`,
      /frontend grpc server closed unexpectedly/,
    ],
    ["that fails with much to say", "head -c 3000000 /dev/zero >&2; echo why >&2; exit 7", /exit code: 7: \0*why$/m],
  ] as const) {
    test(`${what} fails its build, and is gone`, async () => {
      const name = what.replaceAll(/\W+/g, "-");
      const { stderr } = await house.fails(await scripted(name, script), [], { timeoutMs: 180_000 });
      assert.match(stderr, says);
      await house.settled();
      await gone("8861");
    });
  }
});
