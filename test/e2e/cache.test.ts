import assert from "node:assert/strict";
import { readFile, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { openHouse, readMetadata } from "./harness.ts";
import { instructionSteps, stepNamed } from "./progress-text.ts";

const house = await openHouse();

const twoStages = (base: string) => ({
  Dockerfile: `
    FROM ${base} AS left
    COPY left.txt /
    RUN echo making left; cat left.txt > /made

    FROM ${base} AS right
    COPY right.txt /
    RUN echo making right; cat right.txt > /made

    FROM ${base}
    COPY --from=left /made /left
    COPY --from=right /made /right
  `,
  "left.txt": "left 1",
  "right.txt": "right 1",
  "unused.txt": "nobody copies this",
});

test("the same build twice: the second runs nothing, pushes nothing and has the same digest", async () => {
  const context = await house.context(twoStages(house.base));
  const image = `${house.registry.host}/twice:latest`;
  const args = ["--platform", "linux/amd64,linux/arm64", "-t", image, "--push", "--metadata-file"];
  const first = join(await house.directory(), "first.json");
  const second = join(await house.directory(), "second.json");
  await house.build(context, [...args, first]);
  const before = (await house.registry.requests()).length;
  const { stderr } = await house.build(context, [...args, second]);

  const steps = instructionSteps(stderr).filter(({ name }) => !name.includes("] FROM "));
  assert.ok(steps.length >= 8, stderr);
  for (const step of steps) assert.ok(step.cached, `${step.name} was not CACHED:\n${stderr}`);
  for (const step of steps) assert.deepEqual(step.log, []);
  const writes = (await house.registry.requests())
    .slice(before)
    .filter(({ method }) => ["POST", "PUT", "PATCH"].includes(method));
  assert.deepEqual(writes, []);
  const [one, two] = [await readMetadata(first), await readMetadata(second)];
  assert.match(String(one["containerimage.digest"]), /^sha256:[0-9a-f]{64}$/);
  assert.equal(one["containerimage.digest"], two["containerimage.digest"]);
});

test("a changed file reruns only what depends on it", async () => {
  const context = await house.context({ ...twoStages(house.base), "left.txt": "left 2", "right.txt": "right 2" });
  await house.exported(context);
  await writeFile(join(context, "right.txt"), "right 3");
  const { stderr } = await house.build(context, ["-o", `type=local,dest=${await house.directory()}`]);
  assert.ok(stepNamed(stderr, "making left").cached, stderr);
  assert.deepEqual(stepNamed(stderr, "making right").log, ["making right"]);
  const out = await house.exported(context);
  assert.equal(await readFile(join(out, "left"), "utf8"), "left 2");
  assert.equal(await readFile(join(out, "right"), "utf8"), "right 3");
});

test("neither a new time nor a file that nobody copies reruns anything", async () => {
  const context = await house.context({ ...twoStages(house.base), "left.txt": "left 4", "right.txt": "right 4" });
  await house.exported(context);
  await utimes(join(context, "left.txt"), 1_000_000_000, 1_000_000_000);
  await writeFile(join(context, "unused.txt"), "other words");
  const { stderr } = await house.build(context, ["-o", `type=local,dest=${await house.directory()}`]);
  for (const { name, cached } of instructionSteps(stderr)) {
    assert.ok(cached || name.includes("] FROM "), `${name} was not CACHED:\n${stderr}`);
  }
});

test("a build argument reruns only the steps after the ARG that declares it", async () => {
  const context = await house.context({
    Dockerfile: `
      FROM ${house.base}
      RUN echo before
      ARG WORD=one
      RUN echo after \${WORD}
    `,
  });
  await house.build(context, []);
  const { stderr } = await house.build(context, ["--build-arg", "WORD=two"]);
  assert.ok(stepNamed(stderr, "RUN echo before").cached, stderr);
  assert.deepEqual(stepNamed(stderr, "RUN echo after").log, ["after two"]);
});

test("a file whose content does not matter to a later stage does not rerun that stage", async () => {
  const context = await house.context({
    Dockerfile: `
      FROM ${house.base} AS first
      COPY word.txt /
      RUN echo first step; wc -c < /word.txt > /size
      FROM ${house.base}
      COPY --from=first /size /
      RUN echo second step; cat /size
    `,
    "word.txt": "aaaa",
  });
  await house.build(context);
  await writeFile(join(context, "word.txt"), "bbbb");
  const { stderr } = await house.build(context);
  assert.deepEqual(stepNamed(stderr, "first step").log, ["first step"]);
  assert.ok(stepNamed(stderr, "second step").cached, `same bytes were copied, so nothing is to be run:\n${stderr}`);
});

test("--no-cache runs every step again", async () => {
  const context = await house.context({ Dockerfile: `FROM ${house.base}\nRUN echo again\n` });
  await house.build(context);
  const { stderr } = await house.build(context, ["--no-cache"]);
  assert.deepEqual(stepNamed(stderr, "RUN echo again").log, ["again"]);
});

test("what was built is known to the next engine as well", async () => {
  const context = await house.context({ Dockerfile: `FROM ${house.base}\nRUN echo kept\n` });
  await house.build(context);
  await house.kill();
  const { stderr } = await house.build(context);
  assert.ok(stepNamed(stderr, "RUN echo kept").cached, stderr);
});
