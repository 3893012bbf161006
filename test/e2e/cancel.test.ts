import assert from "node:assert/strict";
import { type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { test } from "node:test";
import { endlessSleep, gone, openHouse } from "./harness.ts";

const house = await openHouse();

interface Running {
  readonly client: ChildProcess;
  readonly said: () => string;
}

/** Starts a build and waits until a step of it has printed `words`. */
async function startedBuild(context: string, words: string, args: readonly string[] = []): Promise<Running> {
  const client = house.start(["build", "--progress=plain", ...args, context]);
  let said = "";
  await new Promise<void>((resolve, reject) => {
    client.stderr?.on("data", (chunk: Buffer) => {
      said += String(chunk);
      if (new RegExp(`^#\\d+ [\\d.]+ ${words}`, "m").test(said)) resolve();
    });
    client.once("close", () => reject(new Error(`the build ended early:\n${said}`)));
  });
  return { client, said: () => said };
}

test("Ctrl-C ends a RUN at once, with exit code 130, and leaves nothing behind", async () => {
  const sleeping = endlessSleep();
  const context = await house.context({
    Dockerfile: `FROM ${house.base}\nRUN echo sleeping; ${sleeping}\n`,
  });
  const { client, said } = await startedBuild(context, "sleeping");
  const started = performance.now();
  client.kill("SIGINT");
  const [code] = (await once(client, "close")) as [number | null];
  assert.equal(code, 130, said());
  assert.ok(performance.now() - started < 30_000);
  assert.match(said(), /CANCELED|canceled/);
  await house.settled();
  await gone(sleeping);
});

test("Ctrl-C ends the RUNs of all platforms", async () => {
  const sleeping = endlessSleep();
  const context = await house.context({
    Dockerfile: `FROM ${house.base}\nRUN echo sleeping; ${sleeping}\n`,
  });
  const { client } = await startedBuild(context, "sleeping", ["--platform", "linux/amd64,linux/arm64,linux/s390x"]);
  client.kill("SIGINT");
  const [code] = (await once(client, "close")) as [number | null];
  assert.equal(code, 130);
  await house.settled();
  await gone(sleeping);
});

test("a client that dies takes its build with it", async () => {
  const sleeping = endlessSleep();
  const context = await house.context({
    Dockerfile: `FROM ${house.base}\nRUN echo sleeping; ${sleeping}\n`,
  });
  const { client } = await startedBuild(context, "sleeping");
  client.kill("SIGKILL");
  await once(client, "close");
  await house.settled();
  await gone(sleeping);
});

test("the engine goes on building after a cancelled build", async () => {
  const context = await house.context({ Dockerfile: `FROM ${house.base}\nRUN echo fine > /fine\n` });
  await house.build(context);
});
