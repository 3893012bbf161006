import assert from "node:assert/strict";
import { randomInt } from "node:crypto";
import { chmod, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import {
  type Finished,
  type LabPolyarch,
  type LabRegistry,
  type RegistryOptions,
  type RunOptions,
  must,
  openPolyarch,
  openReference,
  openTestEngine,
  processes,
  pushBaseImages,
  run,
  startRegistry,
  unpackDocker,
} from "../lab/mod.ts";

/** What stands at a path of a build context: text, or text with a mode, or a symbolic link. */
export type ContextFile = string | { readonly text: string; readonly mode: number } | { readonly link: string };

/** One test file's world: a registry with the base image in it, an engine of its own, and a place for files. */
export interface House extends LabPolyarch {
  readonly registry: LabRegistry;
  /** The base image's name, for FROM: busybox, for each of the lab's platforms. */
  readonly base: string;
  /** Keeps what the file's tests share until after the last of them: what came last goes first, the house itself at the end. */
  own<Resource extends AsyncDisposable>(resource: Resource): Resource;
  /** Makes an empty directory that goes away with the house. */
  directory(): Promise<string>;
  /** Makes a build context. Lines of a Dockerfile that are indented for the test's sake are moved left. */
  context(files: Readonly<Record<string, ContextFile>>): Promise<string>;
  /** `polyarch build`, with plain progress, which must succeed. */
  build(context: string, args?: readonly string[], options?: RunOptions): Promise<Finished>;
  /** Builds to a directory, with `-o type=local`, and returns it. */
  exported(context: string, args?: readonly string[]): Promise<string>;
  /** Builds to a tar, with `-o type=tar`, and returns its entries as `tar -tv` lists them, by path. */
  listed(context: string, args?: readonly string[]): Promise<ReadonlyMap<string, string>>;
  /** Builds and pushes as `<name>:latest` and returns the image's configuration, as skopeo reads it. */
  configOf(context: string, args?: readonly string[]): Promise<ImageConfigJson>;
  /** A real `docker buildx` with the house's engine, which has been started. */
  buildx(args: readonly string[], options?: RunOptions): Promise<Finished>;
  /** The environment in which docker buildx has the house's engine for its builder, and polyarch, too. */
  sharedEnv(): Promise<Readonly<Record<string, string>>>;
  /** `polyarch build`, which must fail; with what it said and how long it took. */
  fails(context: string, args?: readonly string[], options?: RunOptions): Promise<Finished>;
}

/** An image's configuration as JSON. */
export interface ImageConfigJson {
  readonly architecture: string;
  readonly os: string;
  readonly variant?: string;
  readonly created?: string;
  readonly author?: string;
  readonly config: Readonly<Record<string, unknown>>;
  readonly rootfs: { readonly type: string; readonly diff_ids: readonly string[] };
  readonly history: readonly {
    readonly created_by?: string;
    readonly empty_layer?: boolean;
    readonly comment?: string;
  }[];
}

/** Opens a house for the test file that calls this; it is closed after the file's last test. */
export async function openHouse(options: RegistryOptions = {}): Promise<House> {
  await using undo = new AsyncDisposableStack();
  const registry = undo.use(await startRegistry(options));
  const base = options.users ? "" : await pushBaseImages(registry.host);
  const engine = undo.use(await openEngine());
  const scratch = await mkdtemp(join(tmpdir(), "polyarch-contexts-"));
  undo.defer(() => rm(scratch, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 }));
  const owned = undo.move();
  after(() => owned.disposeAsync());

  const directory = () => mkdtemp(join(scratch, "d-"));
  const build: House["build"] = async (context, args = [], runOptions = {}) => {
    const done = await engine.polyarch(["build", "--progress=plain", ...args, context], {
      cwd: scratch,
      ...runOptions,
    });
    assert.equal(done.code, 0, `polyarch build ${args.join(" ")} failed:\n${done.stderr}`);
    return done;
  };
  let images = 0;
  let buildx: ReturnType<typeof openBuildx> | undefined;
  return {
    ...engine,
    registry,
    base,
    own: (resource) => owned.use(resource),
    directory,
    build,
    async context(files) {
      const dir = await directory();
      for (const [path, file] of Object.entries(files)) await writeContextFile(join(dir, path), file);
      return dir;
    },
    async exported(context, args = []) {
      const dest = await directory();
      await build(context, [...args, "--output", `type=local,dest=${dest}`]);
      return dest;
    },
    async listed(context, args = []) {
      const tar = join(await directory(), "out.tar");
      await build(context, [...args, "--output", `type=tar,dest=${tar}`]);
      return await listTar(tar);
    },
    async configOf(context, args = []) {
      const image = `${registry.host}/config-${++images}:latest`;
      await build(context, [...args, "--tag", image, "--push"]);
      return await imageConfig(`docker://${image}`);
    },
    buildx: async (args, runOptions) => await (await (buildx ??= openBuildx(engine, directory))).run(args, runOptions),
    sharedEnv: async () => (await (buildx ??= openBuildx(engine, directory))).env,
    async fails(context, args = [], runOptions = {}) {
      const done = await engine.polyarch(["build", "--progress=plain", ...args, context], {
        cwd: scratch,
        ...runOptions,
      });
      assert.notEqual(done.code, 0, `polyarch build was expected to fail, but said:\n${done.stderr}`);
      return done;
    },
  };
}

/**
 * For tests that another engine than ours does not pass (see `POLYARCH_TEST_ENGINE`): why not. With ours they are never skipped.
 * @param why what is different there, for the option `skip`
 */
export function differs(why: string): string | false {
  return process.env["POLYARCH_TEST_ENGINE"] ? why : false;
}

/** Debian sid's docker-buildx, with a builder that is the engine under test. */
async function openBuildx(engine: LabPolyarch, directory: () => Promise<string>) {
  const program = join((await unpackDocker("sid")).plugins[0] ?? "", "docker-buildx");
  const common = { ...engine.env, BUILDX_NO_DEFAULT_ATTESTATIONS: "1" };
  // Somebody else's engine has a builder already.
  const isOurs = !process.env["POLYARCH_TEST_ENGINE"] && !process.env["POLYARCH_E2E_REFERENCE"];
  const env = isOurs ? { ...common, BUILDX_CONFIG: await directory() } : common;
  if (isOurs) {
    await must(program, ["create", "--name=ours", "--driver=remote", `unix://${engine.socket}`, "--use"], { env });
  }
  return {
    env,
    run: (args: readonly string[], options: RunOptions = {}) =>
      run(program, args, { timeoutMs: 120_000, ...options, env: { ...env, ...options.env } }),
  };
}

/** What is under test: our client and engine, unless `scripts/e2e.ts` was told otherwise. */
export function openEngine(): Promise<LabPolyarch> {
  const { POLYARCH_E2E_REFERENCE: reference, POLYARCH_TEST_ENGINE: address } = process.env;
  if (reference) return openReference();
  return address ? openTestEngine(address) : openPolyarch();
}

/** An image's configuration, as skopeo reads it. */
export async function imageConfig(source: string): Promise<ImageConfigJson> {
  const args = ["inspect", "--tls-verify=false", "--config", "--raw", source];
  return JSON.parse(await must("skopeo", args)) as ImageConfigJson;
}

/** The entries of a tar as `tar -tv` lists them, by their path without leading `./` and trailing `/`. */
export async function listTar(tar: string): Promise<ReadonlyMap<string, string>> {
  const listing = await must("tar", ["--numeric-owner", "--full-time", "--utc", "-tvf", tar]);
  const entries = new Map<string, string>();
  for (const line of listing.trim().split("\n")) {
    const match = /^\S+ \S+\s+\S+ \S+ \S+\s+(.+)$/.exec(line);
    const path = (match?.[1] ?? "").split(/ -> | link to /, 1)[0] ?? "";
    entries.set(path.replace(/^\.\//, "").replace(/\/$/, ""), line);
  }
  return entries;
}

/** What the file that `--metadata-file` wrote says. */
export async function readMetadata(path: string): Promise<Readonly<Record<string, unknown>>> {
  return JSON.parse(await readFile(path, "utf8")) as Record<string, unknown>;
}

/** Waits until no process of this machine has `part` in its command, for a minute at most. */
export async function gone(part: string): Promise<void> {
  const left = () => processes().filter(({ command }) => command.includes(part));
  for (const end = performance.now() + 60_000; left().length > 0 && performance.now() < end; ) await sleep(50);
  assert.deepEqual(left(), []);
}

/** The command of a process that does not end by itself, and that no other process of this machine has. */
export function endlessSleep(): string {
  return `sleep ${randomInt(10_000_000, 100_000_000)}`;
}

async function writeContextFile(path: string, file: ContextFile): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  if (typeof file === "object" && "link" in file) return await symlink(file.link, path);
  const text = typeof file === "string" ? file : file.text;
  await writeFile(path, /Dockerfile[^/]*$/.test(path) ? text.replaceAll(/^[ ]{4,}(?=\S)/gm, "").trimStart() : text);
  await chmod(path, typeof file === "string" ? 0o644 : file.mode);
}
