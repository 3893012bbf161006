import { execFile } from "node:child_process";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { control } from "../src/api/mod.ts";
import { BuildError } from "../src/base/errors/mod.ts";
import { codeCacheFolder } from "../src/main/load-program.ts";
import { createRpcServer, service } from "../src/rpc/mod.ts";
import { SessionManager } from "../src/session/mod.ts";

/** What is run so that V8 compiles what people wait for. `NODE` is the builder with an engine; what they print is not looked at. */
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
  ["imagetools", "inspect", "localhost:1/a"],
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
    for (const args of commands) await run(args);
    if (!(await run(["ls"])).includes("code-cache"))
      throw new Error("polyarch ls did not reach the engine of this build");
  } finally {
    await rm(home, { recursive: true, force: true });
    await rm(program);
  }
}

async function startEngine(socket: string): Promise<AsyncDisposable & { readonly address: string }> {
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
          throw new BuildError("unimplemented", "nothing is built here");
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
