import { execFile } from "node:child_process";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { control } from "../src/api/mod.ts";
import { BuildError } from "../src/base/errors/mod.ts";
import { createIndex, describe, type Descriptor, encodeIndex, mediaTypes, parsePlatform } from "../src/oci/mod.ts";
import { addImage, startTestRegistry, type TestRegistry } from "../src/registry/testing/mod.ts";
import { codeCacheFolder } from "../src/main/load-program.ts";
import { createRpcServer, service } from "../src/rpc/mod.ts";
import { SessionManager } from "../src/session/mod.ts";

/**
 * What is run so that V8 compiles what people wait for. `NODE` is the builder with an engine, `FARM` one of two that have pushed to `REGISTRY`; what
 * they print is not looked at.
 */
const commands: readonly (readonly string[])[] = [
  ["--help"],
  ["version"],
  ["ls"],
  ["inspect", "NODE"],
  [
    "build",
    "--builder=NODE",
    "--progress=plain",
    "--platform=linux/amd64,linux/arm64",
    "-t=localhost:1/a",
    "--push",
    ".",
  ],
  [
    "build",
    "--builder=FARM",
    "--progress=plain",
    "--platform=linux/amd64,linux/arm64",
    "-t=REGISTRY/a:farm",
    "--push",
    ".",
  ],
  ["imagetools", "inspect", "REGISTRY/a:farm"],
];

/**
 * Runs the client in `directory` and keeps what V8 compiled of each chunk beside the chunks: code that was used, so that later starts neither parse nor
 * compile it. The client meets an engine that answers what it is asked, and refuses to build.
 * @param recorder text of a program that is the client, and writes the caches when it ends
 */
export async function writeCodeCaches(directory: string, recorder: string): Promise<void> {
  await mkdir(join(directory, codeCacheFolder));
  const program = join(directory, "recorder.cjs");
  await writeFile(program, recorder);
  const home = await mkdtemp(join(tmpdir(), "polyarch-code-cache-"));
  try {
    await using engine = await startEngine(join(home, "engine.sock"));
    await using registry = await startTestRegistry();
    const pushed = pushedTo(registry);
    await using east = await startEngine(join(home, "east.sock"), pushed);
    await using west = await startEngine(join(home, "west.sock"), pushed);
    await writeFile(join(home, "Dockerfile"), "FROM scratch\n");
    const env = { HOME: home, POLYARCH_ROOT: join(home, "root"), POLYARCH_SOCKET: join(home, "none.sock") };
    const run = async (args: readonly string[]) =>
      await new Promise<string>((resolve, reject) => {
        const options = { cwd: home, env, timeout: 60_000 };
        execFile(
          process.execPath,
          ["--disable-warning=ExperimentalWarning", program, ...args],
          options,
          (error, out, err) => {
            if (error?.killed) reject(new Error(`polyarch ${args.join(" ")} does not end`));
            else if (/at .*\.cjs:\d+:\d+/.test(err)) reject(new Error(`polyarch ${args.join(" ")}:\n${err}`));
            else resolve(out);
          },
        );
      });
    await run(["create", "--name=NODE", "--driver=remote", engine.address]);
    const farm = ["create", "--name=FARM", "--driver=remote"];
    await run([...farm, "--node=east", "--platform=linux/amd64", east.address]);
    await run([...farm, "--node=west", "--platform=linux/arm64", "--append", west.address]);
    for (const args of commands) await run(args.map((arg) => arg.replace("REGISTRY", registry.host)));
    if (!registry.storage.manifest("a", "farm"))
      throw new Error("polyarch build did not push to the registry of this build");
    if (!(await run(["ls"])).includes("code-cache"))
      throw new Error("polyarch ls did not reach the engine of this build");
  } finally {
    await rm(home, { recursive: true, force: true });
    await rm(program);
  }
}

/** An image that is there already. */
function pushedTo(registry: TestRegistry): Descriptor {
  const image = addImage(registry, "a", undefined, { layers: [], platform: parsePlatform("linux/amd64") });
  const bytes = encodeIndex(createIndex({ family: "oci", manifests: [image] }));
  registry.storage.addManifest("a", { mediaType: mediaTypes.ociIndex, bytes });
  return describe(mediaTypes.ociIndex, bytes);
}

/** @param pushed what each build says that it has pushed; when left out, nothing is built */
async function startEngine(
  socket: string,
  pushed?: Descriptor,
): Promise<AsyncDisposable & { readonly address: string }> {
  const sessions = new SessionManager();
  const platforms = ["amd64", "arm64"].map((Architecture) => ({ OS: "linux", Architecture }));
  const rpc = createRpcServer({
    services: [
      sessions.route(),
      service(control.Control, {
        info: () => ({ buildkitVersion: { version: "code-cache" } }),
        listWorkers: () => ({ record: [{ ID: "one", Labels: { a: "b" }, platforms, GCPolicy: [{ all: true }] }] }),
        async *status() {
          yield { vertexes: [{ digest: "sha256:1", name: "one" }] };
        },
        solve: async ({ Session }, { signal }) => {
          await sessions.get(Session, { signal });
          if (!pushed) throw new BuildError("unimplemented", "nothing is built here");
          const encoded = Buffer.from(JSON.stringify(pushed)).toString("base64");
          return { ExporterResponse: { "containerimage.descriptor": encoded } };
        },
      }),
    ],
  });
  const listener = createServer().listen(socket);
  rpc.serve(listener);
  return {
    address: `unix://${socket}`,
    [Symbol.asyncDispose]: async () => {
      listener.close();
      await rpc.close();
    },
  };
}
