import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { BuildError } from "../base/errors/mod.ts";
import { explainMissing } from "./missing-source.ts";
import { noInputs } from "./testing/inputs.ts";

test("explainMissing() says which line keeps a source out, or what may have been meant", async (t) => {
  const root = await mkdtemp(join(tmpdir(), "polyarch-missing-"));
  t.after(() => rm(root, { recursive: true }));
  await mkdir(join(root, "data"));
  await mkdir(join(root, "src"));
  for (const path of ["word.txt", "src/main.c", "secret", "data/hidden"]) await writeFile(join(root, path), "");
  await writeFile(join(root, ".dockerignore"), "# none of it\nsecret\n");
  await writeFile(join(root, "data/.dockerignore"), "hidden");
  const inputs = {
    ...noInputs,
    attrs: { "context:data": "local:data" },
    directories: { context: root, dockerfile: root, data: join(root, "data") },
    context: root,
  };
  const hint = async (missing: string, instruction = `COPY ${missing} /`) => {
    const detail = {
      info: { data: Buffer.from(`FROM x\n${instruction}\n`).toString("base64") },
      ranges: [{ start: { line: 2 }, end: { line: 2 } }],
    };
    const error = new BuildError("unknown", `failed to calculate checksum of ref a::b: "/${missing}": not found`, {
      details: [
        {
          typeUrl: "github.com/moby/buildkit/errdefs.Source+json",
          value: new TextEncoder().encode(JSON.stringify(detail)),
        },
      ],
    });
    return (await explainMissing(error, inputs)).message.slice(error.message.length);
  };
  assert.equal(await hint("secret"), ' (excluded by line 2 of .dockerignore: "secret")');
  assert.equal(await hint("wrod.txt"), " (did you mean word.txt?)");
  assert.equal(await hint("Src/main.c"), " (did you mean src/main.c?)");
  assert.equal(await hint("src/mian.c"), " (did you mean src/main.c?)");
  assert.equal(await hint("nothing-like-it"), "");
  assert.equal(await hint("hidden", "COPY --from=data hidden /"), ' (excluded by line 1 of .dockerignore: "hidden")');
  assert.equal(await hint("secret", "COPY --from=stage secret /"), "");
  await writeFile(join(root, "Dockerfile.dockerignore"), "\nword*\n");
  assert.equal(await hint("word.txt"), ' (excluded by line 2 of Dockerfile.dockerignore: "word*")');
});
