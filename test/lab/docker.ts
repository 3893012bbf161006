import { spawn } from "node:child_process";
import { randomInt } from "node:crypto";
import { existsSync, openSync } from "node:fs";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { DebianArchive } from "./debian.ts";
import { freePort } from "./free-port.ts";
import { processTree } from "./processes.ts";
import { type Finished, type RunOptions, must, run } from "./run.ts";

/**
 * Which Docker Engine: `stable` is bookworm's docker.io (20.10), an engine as people have had it for years; `sid` is
 * Debian sid's (28 and later) with docker-buildx and its multi-platform image store.
 */
export type DockerRelease = "stable" | "sid";

/** A Docker Engine of its own, started from unpacked Debian packages. Disposing it stops it and removes what it has. */
export interface LabDocker extends AsyncDisposable {
  /** `unix://…`, for DOCKER_HOST. */
  readonly host: string;
  /** `tcp://…`, where it was given certificates. */
  readonly tcp: string;
  /** The environment in which `docker` is this engine's client, with an empty configuration. */
  readonly env: Readonly<Record<string, string>>;
  /** The daemon and what it started; for measuring. */
  readonly pid: number;
  docker(args: readonly string[], options?: RunOptions): Promise<Finished>;
}

const packages: Readonly<Record<DockerRelease, { suite: string; names: readonly string[] }>> = {
  stable: { suite: "bookworm", names: ["docker.io", "containerd", "runc", "libdevmapper1.02.1", "tini"] },
  sid: { suite: "sid", names: ["docker.io", "docker-cli", "containerd", "docker-buildx", "tini-static"] },
};

/**
 * Starts a Docker Engine that shares nothing with one that may be installed: own programs, data, socket, mount and
 * process namespace, and no bridge, so containers get `--network none` or `host`. Needs root.
 * @param options `certificates`: a directory that `polyarch daemon certs` has filled, for listening on TCP too, to clients with certificates of theirs;
 * `bridge`: containers have a network of their own, through a bridge on this machine that leads nowhere else
 */
export async function startDocker(
  release: DockerRelease,
  options: { readonly certificates?: string; readonly bridge?: boolean } = {},
): Promise<LabDocker> {
  const bin = await unpackDocker(release);
  const bridge = options.bridge ? await makeBridge() : undefined;
  const home = await mkdtemp(join(tmpdir(), "polyarch-docker-"));
  const socket = join(home, "docker.sock");
  const env = {
    PATH: [...bin.path, process.env["PATH"] ?? "/usr/sbin:/usr/bin:/sbin:/bin"].join(delimiter),
    LD_LIBRARY_PATH: bin.libraries.join(delimiter),
    DOCKER_HOST: `unix://${socket}`,
    DOCKER_CONFIG: join(home, "client"),
  };
  await mkdir(join(home, "client/cli-plugins"), { recursive: true });
  await writeFile(join(home, "client/config.json"), JSON.stringify({ cliPluginsExtraDirs: bin.plugins }));
  await writeFile(
    join(home, "daemon.json"),
    JSON.stringify({
      "data-root": join(home, "data"),
      "exec-root": join(home, "exec"),
      pidfile: join(home, "docker.pid"),
      bridge: bridge?.name ?? "none",
      iptables: false,
      ...(release === "sid" ? { ip6tables: false, features: { "containerd-snapshotter": true } } : {}),
    }),
  );
  const log = join(home, "dockerd.log");
  const output = openSync(log, "w");
  const namespaces = ["--mount", "--propagation", "private", "--pid", "--fork", "--kill-child", "--mount-proc"];
  const { certificates } = options;
  const tcp = certificates === undefined ? "" : `tcp://127.0.0.1:${await freePort()}`;
  const pem = (name: string) => join(certificates ?? "", "daemon", `${name}.pem`);
  const tls = ["--tlsverify", "--tlscacert", pem("ca"), "--tlscert", pem("cert"), "--tlskey", pem("key")];
  const daemon = [
    "dockerd",
    "--config-file",
    join(home, "daemon.json"),
    "--host",
    env.DOCKER_HOST,
    ...(tcp === "" ? [] : ["--host", tcp, ...tls]),
  ];
  const child = spawn("unshare", [...namespaces, ...daemon], {
    env: { ...process.env, ...env },
    stdio: ["ignore", output, output],
  });
  const exited = new Promise<void>((resolve) => child.once("close", () => resolve()));
  const dispose = async () => {
    const dockerd = processTree(child.pid ?? 0)[1];
    if (dockerd !== undefined) process.kill(dockerd.pid, "SIGTERM"); // it removes its containers' cgroups
    await Promise.race([exited, sleep(20_000, undefined, { ref: false })]);
    child.kill("SIGKILL");
    await exited;
    await rm(home, { recursive: true, force: true, maxRetries: 5 });
    await bridge?.[Symbol.asyncDispose]();
  };
  try {
    for (const give_up = performance.now() + 180_000; ; ) {
      if ((await run("docker", ["version"], { env })).code === 0) break;
      if (child.exitCode !== null || performance.now() > give_up) {
        throw new Error(`dockerd does not answer:\n${await readFile(log, "utf8")}`);
      }
      await sleep(200);
    }
  } catch (error) {
    await dispose();
    throw error;
  }
  return {
    host: env.DOCKER_HOST,
    tcp,
    env,
    pid: child.pid ?? 0,
    docker: (args, options) => run("docker", args, { ...options, env: { ...env, ...options?.env } }),
    [Symbol.asyncDispose]: dispose,
  };
}

/** Fetches and unpacks the programs of a release, unless that was done before, and tells where they are. */
export async function unpackDocker(
  release: DockerRelease,
): Promise<{ path: string[]; libraries: string[]; plugins: string[] }> {
  const { suite, names } = packages[release];
  const architecture = (await must("dpkg", ["--print-architecture"])).trim();
  const archive = await DebianArchive.open({ suite, architectures: [architecture] });
  const debs = [];
  for (const name of names) debs.push(await archive.download(name, architecture));
  const dir = await archive.unpack(debs, "docker");
  const triplet = architecture === "arm64" ? "aarch64-linux-gnu" : "x86_64-linux-gnu";
  const path = ["usr/bin", "usr/sbin"].map((sub) => join(dir, sub));
  if (release === "sid" && !(await has("runc"))) path.push(...(await unpackDocker("stable")).path);
  return {
    path,
    libraries: ["lib", "usr/lib"].map((sub) => join(dir, sub, triplet)).filter((lib) => existsSync(lib)),
    plugins: ["usr/libexec/docker/cli-plugins", "usr/lib/docker/cli-plugins"].map((sub) => join(dir, sub)),
  };
}

/** A bridge of this machine with a network that nobody else is likely to have. Needs iproute2. */
async function makeBridge(): Promise<{ readonly name: string } & AsyncDisposable> {
  let number = process.pid % 250;
  const name = () => `polyarch${number}`;
  for (let tries = 0; (await run("ip", ["link", "add", name(), "type", "bridge"])).code !== 0; tries++) {
    if (tries > 20) throw new Error("no bridge can be made: the tests need root");
    number = randomInt(250); // somebody else's
  }
  await must("ip", ["address", "add", `10.213.${number}.1/24`, "dev", name()]);
  await must("ip", ["link", "set", name(), "up"]);
  return { name: name(), [Symbol.asyncDispose]: async () => void (await must("ip", ["link", "delete", name()])) };
}

async function has(program: string): Promise<boolean> {
  return (await run("sh", ["-c", `command -v ${program}`])).code === 0;
}
