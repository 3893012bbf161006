import assert from "node:assert/strict";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { endlessSleep, gone, openHouse, readMetadata } from "./harness.ts";

const house = await openHouse();

test("an engine killed in the middle of a RUN starts again and builds", async () => {
  const context = await house.context({
    Dockerfile: `
      FROM ${house.base}
      RUN echo first > /first
      ARG WAIT=true
      RUN echo running now; \${WAIT}; echo second > /second
    `,
  });
  const sleeping = endlessSleep();
  const client = house.start(["build", "--progress=plain", "--build-arg", `WAIT=${sleeping}`, context]);
  assert.ok(client.stderr);
  const lines = createInterface(client.stderr);
  const allSaid = once(lines, "close");
  const said: string[] = [];
  const running = new Promise<void>((resolve, reject) => {
    lines.on("line", (line) => {
      said.push(line);
      if (/^#\d+ [\d.]+ running now$/.test(line)) resolve();
    });
    client.once("exit", (code) => reject(new Error(`the build ended with ${code}:\n${said.join("\n")}`)));
  });
  await running;
  const exited = once(client, "exit") as Promise<[number | null]>;
  await house.kill();
  const [code] = await exited;
  assert.equal(code, 1, said.join("\n"));
  await allSaid;
  assert.match(said.join("\n"), /^ERROR: /m);

  const out = await house.exported(context);
  assert.equal(await readFile(join(out, "first"), "utf8"), "first\n");
  assert.equal(await readFile(join(out, "second"), "utf8"), "second\n");
  await gone(sleeping);
});

test("killed at any moment, the engine builds the same image afterwards", async () => {
  const context = await house.context({
    Dockerfile: `
      FROM ${house.base} AS one
      COPY files /files
      RUN cat /files/* > /one; dd if=/dev/zero of=/zeros bs=1M count=8 2>/dev/null
      FROM ${house.base}
      COPY --from=one /one /zeros /made/
      RUN echo done > /done
    `,
    ...Object.fromEntries(Array.from({ length: 200 }, (_, i) => [`files/${i}.txt`, `number ${i}\n`])),
  });
  const image = `${house.registry.host}/crash:latest`;
  const args = ["--platform", "linux/amd64,linux/arm64", "-t", image, "--push"];
  for (const ms of [150, 400, 700, 1000, 1500]) {
    const client = house.start(["build", ...args, context]);
    const exited = once(client, "exit");
    await Promise.race([sleep(ms), exited]);
    await house.kill();
    await exited;
  }
  const file = join(await house.directory(), "metadata.json");
  await house.build(context, [...args, "--metadata-file", file]);
  const uncached = join(await house.directory(), "metadata.json");
  await house.build(context, [...args, "--metadata-file", uncached]);
  const digest = (await readMetadata(file))["containerimage.digest"];
  assert.equal((await readMetadata(uncached))["containerimage.digest"], digest);
  const out = await house.exported(context, ["--platform", "linux/amd64"]);
  assert.equal((await readFile(join(out, "made/zeros"))).byteLength, 8 << 20);
  assert.match(await readFile(join(out, "made/one"), "utf8"), /^number 199$/m);
});
