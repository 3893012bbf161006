import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { before, test } from "node:test";
import { labPlatforms, must, unpackBuildx } from "../lab/mod.ts";
import { differs, imageConfig, openHouse } from "./harness.ts";

const house = await openHouse();
const skip = differs("about our own engine");
let buildx = "";
let env: Record<string, string> = {};

before(async () => {
  if (skip !== false) return;
  buildx = await unpackBuildx();
  env = { ...house.env, BUILDX_CONFIG: await house.directory() };
  await house.build(await house.context({ Dockerfile: "FROM scratch\n" })); // starts the engine
  await must(buildx, ["create", "--name", "ours", "--driver", "remote", `unix://${house.socket}`, "--use"], { env });
});

test("docker buildx, another implementation of the client, finds the engine and its platforms", { skip }, async () => {
  const told = await must(buildx, ["inspect", "ours"], { env, timeoutMs: 180_000 });
  assert.match(told, /^Status:\s+running$/m);
  for (const { name } of labPlatforms) assert.match(told, new RegExp(`^Platforms:.*${name}\\b`, "m"));
});

test("a target of docker buildx bake takes from another one, for each platform from its own", { skip }, async () => {
  const directory = await house.context({
    "base.Dockerfile": `
      FROM ${house.base}
      ARG TARGETARCH
      ENV MADE_FOR=$TARGETARCH
      COPY word /word
      RUN echo $TARGETARCH > /made-for
    `,
    "app.Dockerfile": `
      FROM common
      ARG TARGETARCH
      RUN test $(cat /made-for) = $TARGETARCH && test "$MADE_FOR" = $TARGETARCH && cat /word > /app
      FROM scratch
      COPY --from=0 /app /made-for /
    `,
    word: "hello\n",
    "docker-bake.json": JSON.stringify({
      target: {
        common: { dockerfile: "base.Dockerfile", platforms: ["linux/amd64", "linux/arm64"] },
        app: {
          dockerfile: "app.Dockerfile",
          contexts: { common: "target:common" },
          platforms: ["linux/amd64", "linux/arm64"],
          output: ["type=local,dest=out"],
        },
      },
    }),
  });
  await must(buildx, ["bake", "--builder", "ours", "app"], {
    env: { ...env, BUILDX_NO_DEFAULT_ATTESTATIONS: "1" },
    cwd: directory,
    timeoutMs: 120_000,
  });
  for (const architecture of ["amd64", "arm64"]) {
    const out = join(directory, `out/linux_${architecture}`);
    assert.equal(await readFile(join(out, "made-for"), "utf8"), `${architecture}\n`);
    assert.equal(await readFile(join(out, "app"), "utf8"), "hello\n");
  }
});

test("docker buildx gets an image as a layout in a directory", { skip }, async () => {
  const layout = join(await house.directory(), "layout");
  const context = await house.context({ Dockerfile: `FROM ${house.base}\nLABEL made=1\n` });
  const output = `--output=type=oci,tar=false,dest=${layout}`;
  const args = ["build", "--builder", "ours", "--tag", "example.org/a:v1", "--provenance=false", output, context];
  await must(buildx, args, { env, timeoutMs: 120_000 });
  assert.deepEqual((await imageConfig(`oci:${layout}`)).config["Labels"], { made: "1" });
});
