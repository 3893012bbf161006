import assert from "node:assert/strict";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { suite, test, type TestContext } from "node:test";
import { BuildError } from "../../base/errors/mod.ts";
import { type SolveScript, startScriptedEngine } from "../../build/testing/mod.ts";
import { runCli } from "../run.ts";
import { testContext } from "../testing/context.ts";
import { rootCommand } from "./root.ts";

const digest = `sha256:${"d".repeat(64)}`;
const config = `sha256:${"c".repeat(64)}`;
const answer = { "containerimage.digest": digest, "containerimage.config.digest": config };
const time = (ms: number) => ({ seconds: 1n, nanos: ms * 1_000_000 });

/** A directory with a Dockerfile, and `polyarch` with an engine that follows a script. */
async function scripted(t: TestContext, script: SolveScript) {
  const cwd = await mkdtemp(join(tmpdir(), "polyarch-cli-"));
  await writeFile(join(cwd, "Dockerfile"), "FROM scratch\nRUN false\n");
  const engine = await startScriptedEngine(script);
  t.after(async () => {
    await engine[Symbol.asyncDispose]();
    await rm(cwd, { recursive: true });
  });
  return {
    cwd,
    polyarch: async (args: string[], options: { env?: Record<string, string>; signal?: AbortSignal } = {}) => {
      const env = { POLYARCH_SOCKET: engine.socket, DOCKER_CONFIG: cwd, ...options.env };
      const { context, out, err } = testContext({ cwd, env, ...(options.signal ? { signal: options.signal } : {}) });
      const code = await runCli(rootCommand, args, context);
      return { code, out: out(), err: err() };
    },
  };
}

suite("polyarch build", () => {
  test("shows plain progress where there is no terminal, and warns when the result goes nowhere", async (t) => {
    const { polyarch } = await scripted(t, async ({ tell }) => {
      tell({ vertexes: [{ digest: "sha256:a", name: "[1/1] RUN x", started: time(0), completed: time(500) }] });
      return {};
    });
    const { code, out, err } = await polyarch(["build", "."]);
    assert.deepEqual([code, out], [0, ""]);
    assert.equal(
      err,
      '#0 building with "embedded" instance using embedded driver\n\n#1 [1/1] RUN x\n#1 DONE 0.5s\n' +
        "WARNING: No output specified with embedded driver. Build result will only remain in the build cache. To push result image into registry use --push or to load image into docker use --load\n",
    );
    assert.equal((await polyarch(["build", "--progress=none", "."])).err, "");
    assert.doesNotMatch((await polyarch(["build", "."], { env: { BUILDX_NO_DEFAULT_LOAD: "1" } })).err, /WARNING/);
  });

  test("prints nothing but the image's ID with --quiet, and writes reports", async (t) => {
    const { polyarch, cwd } = await scripted(t, () => Promise.resolve(answer));
    const args = ["build", "-q", "-t", "x", "--push", "--iidfile", "id", "--metadata-file", "meta.json", "."];
    assert.deepEqual(await polyarch(args), { code: 0, out: `${config}\n`, err: "" });
    assert.equal(await readFile(join(cwd, "id"), "utf8"), config);
    const metadata = JSON.parse(await readFile(join(cwd, "meta.json"), "utf8")) as Record<string, string>;
    assert.equal(metadata["containerimage.digest"], digest);
    assert.match(metadata["buildx.build.ref"] ?? "", /^embedded\/embedded\/\w{25}$/);
  });

  test("ends a failure with the step's log, the place in the Dockerfile and one line that says what failed", async (t) => {
    const source = {
      info: { filename: "Dockerfile", data: Buffer.from("FROM scratch\nRUN false\n").toString("base64") },
      ranges: [{ start: { line: 2 }, end: { line: 2 } }],
    };
    const value = new TextEncoder().encode(JSON.stringify(source));
    const { polyarch } = await scripted(t, async ({ tell }) => {
      const vertex = { digest: "sha256:a", name: "[1/1] RUN false", started: time(0) };
      tell({
        vertexes: [vertex],
        logs: [{ vertex: "sha256:a", msg: new TextEncoder().encode("oh no\n"), timestamp: time(100) }],
      });
      tell({ vertexes: [{ ...vertex, completed: time(200), error: "exit code: 1" }] });
      throw new BuildError("unknown", "exit code: 1", {
        details: [{ typeUrl: "github.com/moby/buildkit/errdefs.Source+json", value }],
      });
    });
    const { code, err } = await polyarch(["build", "."]);
    assert.equal(code, 1);
    assert.ok(
      err.endsWith(
        "#1 ERROR: exit code: 1\n------\n > [1/1] RUN false:\n0.100 oh no\n------\n" +
          "Dockerfile:2\n--------------------\n   1 |     FROM scratch\n   2 | >>> RUN false\n   3 |     \n--------------------\n" +
          "ERROR: failed to build: failed to solve: exit code: 1\n",
      ),
      err,
    );
  });

  test("exits with 130 when it is cancelled, and with the code of what the engine ran out of", async (t) => {
    const controller = new AbortController();
    const { polyarch } = await scripted(t, async ({ request, signal }) => {
      if (request.FrontendAttrs.target === "full")
        throw new BuildError("resource_exhausted", "no space left on device");
      controller.abort(new DOMException("context canceled", "AbortError"));
      return await new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason as Error)));
    });
    const canceled = await polyarch(["build", "."], { signal: controller.signal });
    assert.equal(canceled.code, 130);
    assert.match(canceled.err, /^ERROR: failed to build: failed to solve: Canceled: context canceled$/m);
    assert.equal((await polyarch(["build", "--target=full", "."])).code, 102);
  });

  const refused: [string[], RegExp][] = [
    [["-q", "--progress=plain", "."], /^ERROR: progress=plain and quiet cannot be used together/],
    [["--progress=fancy", "."], /^ERROR: invalid progress mode fancy/],
    [["--attest=mode=max", "."], /^ERROR: failed to build: attestation type not specified/],
    [["--builder=far", "."], /^ERROR: no builder "far" found/],
    [["--push", "."], /^ERROR: failed to build: tag is needed when pushing to registry$/m],
    [["-o", "dest=x", "."], /^ERROR: type is required for output$/m],
    [
      ["/nonexistent/there"],
      /^ERROR: failed to build: unable to prepare context: path "\/nonexistent\/there" not found$/m,
    ],
    [
      ["--load", "-t", "x", "."],
      /^ERROR: failed to build: Cannot connect to the Docker daemon at unix:\/\/\/nonexistent\/docker\.sock/,
    ],
  ];
  for (const [args, message] of refused) {
    test(`refuses ${args.join(" ")} before it asks the engine for anything`, async (t) => {
      const { polyarch } = await scripted(t, () => assert.fail("not to be asked"));
      const { code, err } = await polyarch(["build", ...args], {
        env: { DOCKER_HOST: "unix:///nonexistent/docker.sock", BUILDX_BUILDER: "embedded" },
      });
      assert.equal(code, 1);
      assert.match(err, message);
    });
  }

  test("takes --provenance=false and --rm from old scripts, and says that the latter does nothing", async (t) => {
    const { polyarch } = await scripted(t, () => Promise.resolve({}));
    const { code, err } = await polyarch([
      "build",
      "--provenance=false",
      "--sbom=0",
      "--rm",
      "-o",
      "type=cacheonly",
      ".",
    ]);
    assert.equal(code, 0, err);
    assert.match(err, /^WARNING: --rm has no effect: a build leaves no containers behind$/m);
  });
});
