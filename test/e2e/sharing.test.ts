import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { processes } from "../lab/mod.ts";
import { openHouse, differs } from "./harness.ts";
import { readSteps } from "./progress-text.ts";

const house = await openHouse();

test("two builds started at once share one engine and run their common stage once", {
  skip: differs("about our own engine"),
}, async () => {
  const context = await house.context({
    Dockerfile: `
      FROM ${house.base} AS common
      RUN cat /proc/sys/kernel/random/uuid > /id; sleep 2
      FROM common AS left
      RUN cp /id /left
      FROM common AS right
      RUN cp /id /right
    `,
  });
  assert.equal(house.engine(), undefined);
  const [left, right] = await Promise.all([
    house.exported(context, ["--target", "left"]),
    house.exported(context, ["--target", "right"]),
  ]);
  assert.equal(await readFile(join(left, "left"), "utf8"), await readFile(join(right, "right"), "utf8"));
  assert.equal(
    processes().filter(({ command }) => command.includes(house.socket) && /polyarchd\.cjs/.test(command)).length,
    1,
  );
});

test("one build runs a stage that its platforms share once", async () => {
  const context = await house.context({
    Dockerfile: `
      FROM --platform=$BUILDPLATFORM ${house.base} AS common
      RUN cat /proc/sys/kernel/random/uuid > /common
      FROM ${house.base}
      COPY --from=common /common /
      RUN cat /proc/sys/kernel/random/uuid > /own
    `,
  });
  const dest = await house.directory();
  const platforms = ["linux/amd64", "linux/arm64", "linux/s390x"];
  const { stderr } = await house.build(context, ["--platform", platforms.join(","), "-o", `type=local,dest=${dest}`]);
  const read = async (file: string) =>
    await Promise.all(platforms.map((p) => readFile(join(dest, p.replaceAll("/", "_"), file), "utf8")));
  assert.equal(new Set(await read("common")).size, 1);
  assert.equal(new Set(await read("own")).size, 3);
  assert.equal(readSteps(stderr).filter(({ name }) => name.endsWith("> /common")).length, 1, stderr);
});

test("a build that is given up does not take a shared stage from the other", async () => {
  const context = await house.context({
    Dockerfile: `
      FROM ${house.base} AS common
      RUN echo shared stage; sleep 3; cat /proc/sys/kernel/random/uuid > /id
      FROM common AS left
      RUN cp /id /left
      FROM common AS right
      RUN cp /id /right
    `,
  });
  const abandoned = house.start(["build", "--progress=plain", "--target", "left", context]);
  const kept = house.exported(context, ["--target", "right"]);
  await new Promise<void>((resolve) => {
    let said = "";
    abandoned.stderr?.on("data", (chunk: Buffer) => {
      said += String(chunk);
      if (/[\d.]+ shared stage/.test(said)) resolve();
    });
    abandoned.once("exit", () => resolve());
  });
  abandoned.kill("SIGINT");
  assert.match(await readFile(join(await kept, "right"), "utf8"), /^[0-9a-f-]{36}$/m);
});
