import assert from "node:assert/strict";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { suite, test, type TestContext } from "node:test";
import { auth } from "../api/mod.ts";
import { BuildError } from "../base/errors/mod.ts";
import { BuildKitClient, connect, dialAddress } from "../client/mod.ts";
import { receiveDirectory, sendFile } from "../session/mod.ts";
import type { BuildOptions } from "./build-options.ts";
import type { BuildEvent } from "./events.ts";
import { prepareBuild } from "./prepare-build.ts";
import { type BuildSurroundings, runBuild } from "./run-build.ts";
import { parseOutput } from "./outputs/output.ts";
import { startScriptedEngine, type SolveScript } from "./testing/engine.ts";
import { buildOptions } from "./testing/options.ts";

const timeout = AbortSignal.timeout(600_000);

/** A context directory, and a function that builds it with an engine that follows a script. */
async function scripted(t: TestContext, script: SolveScript) {
  const context = await mkdtemp(join(tmpdir(), "polyarch-build-"));
  await writeFile(join(context, "Dockerfile"), "FROM scratch\nCOPY hello /\n");
  await writeFile(join(context, "hello"), "hello");
  const engine = await startScriptedEngine(script);
  const client = new BuildKitClient(connect({ open: dialAddress(engine.address) }));
  t.after(async () => {
    await client.close();
    await engine[Symbol.asyncDispose]();
    await rm(context, { recursive: true });
  });
  const events: BuildEvent[] = [];
  const build = async (options: Partial<BuildOptions> = {}, surroundings: Partial<BuildSurroundings> = {}) => {
    const prepared = await prepareBuild(buildOptions({ context, ...options }), {
      importsOci: () => Promise.resolve(false),
      env: { BUILDX_NO_DEFAULT_ATTESTATIONS: "1" },
      cwd: context,
      stdin: new PassThrough(),
      severalEngines: false,
      signal: timeout,
      stdoutIsTty: false,
      proxies: {},
      defaultLoad: false,
    });
    return await runBuild(prepared, {
      client,
      builder: { name: "default", node: "default" },
      driver: "docker",
      credentials: { for: () => Promise.resolve(undefined) },
      fetchToken: () => Promise.resolve(undefined),
      stdout: new PassThrough(),
      loadImage: () => Promise.reject(new Error("not expected")),
      provenance: "disabled",
      onEvent: (event) => events.push(event),
      now: () => new Date(),
      signal: timeout,
      ...surroundings,
    });
  };
  return { context, build, events };
}

suite("runBuild()", () => {
  test("asks for the Dockerfile frontend, and gives what exporters answer", async (t) => {
    const { build, events } = await scripted(t, async ({ request, tell }) => {
      assert.equal(request.Frontend, "dockerfile.v0");
      assert.deepEqual(request.FrontendAttrs, { filename: "Dockerfile", target: "final" });
      assert.deepEqual(
        request.Exporters.map(({ Type, Attrs }) => [Type, Attrs]),
        [["image", { name: "example.org/x:latest", push: "true" }]],
      );
      assert.equal(request.ExporterDeprecated, "image");
      tell({ vertexes: [{ digest: "sha256:a", name: "A" }] });
      return { "containerimage.digest": "sha256:d" };
    });
    const { ref, response } = await build({ target: "final", push: true, tags: ["example.org/x"] });
    assert.match(ref, /^default\/default\/[a-z0-9]{25}$/);
    assert.deepEqual(response, { "containerimage.digest": "sha256:d" });
    const names = events.flatMap((event) =>
      event.type === "status" ? event.status.vertexes.map(({ name }) => name) : [],
    );
    assert.deepEqual(names, ["A"]);
  });

  test("serves the context and the Dockerfile to the engine, and nothing else", async (t) => {
    const target = await mkdtemp(join(tmpdir(), "polyarch-received-"));
    t.after(() => rm(target, { recursive: true }));
    const { build } = await scripted(t, async ({ caller, signal }) => {
      await receiveDirectory(caller, "context", { target, exclude: ["Dockerfile"], signal });
      await assert.rejects(receiveDirectory(caller, "secrets", { target, signal }), { code: "not_found" });
      return {};
    });
    await build();
    assert.deepEqual(await readdir(target), ["hello"]);
  });

  test("gives logins only for the registry that the engine asks about", async (t) => {
    const asked: string[] = [];
    const { build } = await scripted(t, async ({ caller, signal }) => {
      const { Username, Secret } = await caller.client(auth.Auth).credentials({ Host: "example.org" }, { signal });
      return { login: `${Username}:${Secret}` };
    });
    const credentials: BuildSurroundings["credentials"] = {
      for: (host) => {
        asked.push(host);
        return Promise.resolve({ username: "me", password: "secret" });
      },
    };
    assert.equal((await build({}, { credentials })).response.login, "me:secret");
    assert.deepEqual(asked, ["example.org"]);
  });

  const archive = async function* () {
    for (let at = 0; at < 40; at++) yield new Uint8Array(100_000).fill(at);
  };
  const sendsArchive: SolveScript = async ({ caller, signal }) => {
    await sendFile(caller, archive(), { exporterIndex: 0, signal });
    return {};
  };

  test("writes an archive into a file that is there only when it is complete", async (t) => {
    const { build, context } = await scripted(t, async ({ caller, signal, request }) => {
      if (request.FrontendAttrs.target === "broken") {
        const half = async function* () {
          yield new Uint8Array(100_000);
          throw new BuildError("unknown", "disk broke");
        };
        await sendFile(caller, half(), { exporterIndex: 0, signal });
      }
      await sendFile(caller, archive(), { exporterIndex: 0, signal });
      return {};
    });
    await build({ outputs: [parseOutput("type=oci,dest=out.tar")] });
    assert.equal((await readFile(join(context, "out.tar"))).length, 4_000_000);
    await assert.rejects(build({ target: "broken", outputs: [parseOutput("type=oci,dest=other.tar")] }), /disk broke/);
    assert.deepEqual((await readdir(context)).toSorted(), ["Dockerfile", "hello", "out.tar"]);
  });

  test("writes an archive to stdout and leaves that open", async (t) => {
    const { build } = await scripted(t, sendsArchive);
    const stdout = new PassThrough();
    let bytes = 0;
    stdout.on("data", (chunk: Buffer) => (bytes += chunk.length));
    await build({ outputs: [parseOutput("-")] }, { stdout });
    assert.equal(bytes, 4_000_000);
    assert.ok(stdout.writable);
  });

  test("hands an archive to the Docker Engine as a step of its own", async (t) => {
    const { build, events } = await scripted(t, sendsArchive);
    let bytes = 0;
    await build(
      { load: true },
      {
        loadImage: async (chunks) => {
          for await (const chunk of chunks) bytes += chunk.length;
        },
      },
    );
    assert.equal(bytes, 4_000_000);
    const steps = events.flatMap((event) => (event.type === "step" ? [event.step] : []));
    assert.deepEqual(
      steps.map(({ name, completed }) => [name, completed !== undefined]),
      [
        ["importing to docker", false],
        ["importing to docker", true],
      ],
    );
  });

  test("fails with the Docker Engine's words when that does not take the image", async (t) => {
    const { build } = await scripted(t, sendsArchive);
    const loadImage = async (chunks: AsyncIterable<Uint8Array>) => {
      for await (const _ of chunks) throw new BuildError("unknown", "no space left on device");
    };
    await assert.rejects(build({ load: true }, { loadImage }), {
      message: /^failed to solve: .*no space left on device/,
    });
  });

  test("keeps the code and the details of the engine's failure", async (t) => {
    const value = new TextEncoder().encode("{}");
    const { build } = await scripted(t, () => {
      throw new BuildError("not_found", "base: not found", {
        details: [{ typeUrl: "github.com/moby/buildkit/errdefs.Source+json", value }],
      });
    });
    await assert.rejects(build(), (error: BuildError) => {
      assert.equal(error.code, "not_found");
      assert.equal(error.message, "failed to solve: base: not found");
      assert.deepEqual(
        error.details.map(({ typeUrl }) => typeUrl),
        ["github.com/moby/buildkit/errdefs.Source+json"],
      );
      return true;
    });
  });

  test("cancels the build, and tells what the engine says of its end", async (t) => {
    const controller = new AbortController();
    const { build, events } = await scripted(t, async ({ signal, tell }) => {
      tell({ vertexes: [{ digest: "sha256:a", name: "running" }] });
      const canceled = new Promise((resolve) => signal.addEventListener("abort", resolve));
      controller.abort(new DOMException("context canceled", "AbortError"));
      await canceled;
      tell({ vertexes: [{ digest: "sha256:a", name: "running", error: "context canceled" }] });
      throw signal.reason;
    });
    await assert.rejects(build({}, { signal: controller.signal }), {
      code: "canceled",
      message: "failed to solve: Canceled: context canceled",
    });
    const errors = events.flatMap((event) =>
      event.type === "status" ? event.status.vertexes.map(({ error }) => error) : [],
    );
    assert.equal(errors.at(-1), "context canceled");
  });
});
