import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { once } from "node:events";
import { type AddressInfo, connect, createServer } from "node:net";
import { delimiter, dirname, join } from "node:path";
import { before, suite, test } from "node:test";
import {
  buildctlProgram,
  emulateOnHost,
  type Finished,
  type LabDocker,
  labPlatforms,
  must,
  openPolyarch,
  polyarchProgram,
  pushBaseImages,
  pushEngineImage,
  pushGoImage,
  readIndex,
  registryUser,
  run,
  startDocker,
  startEngine,
  startOldRegistry,
  startRegistry,
  startSshd,
  unpackDocker,
} from "../lab/mod.ts";
import { openHouse } from "./harness.ts";

/*
 * What people type, as scripts: each ends with an image that runs on every platform it names. They find in their environment
 *   BUILDX     polyarch, or docker buildx with our engine as its builder
 *   DOCKER     polyarch, or docker, for the commands that are not buildx's
 *   REGISTRY   a registry's host
 *   BASE       busybox for all of the lab's platforms
 * and what else a test gives them; `polyarch` is in the PATH. They run in an empty directory.
 */
const house = await openHouse();
const { host } = house.registry;
const scripts = join(import.meta.dirname, "walkthroughs");

/** The environment of one client: programs, and a store of builders and configuration of its own. */
type Client = (socket?: string) => Promise<Readonly<Record<string, string>>>;

const polyarch: Client = async () => ({
  ...house.env,
  BUILDX: "polyarch",
  DOCKER: "polyarch",
  PATH: [dirname(polyarchProgram), process.env["PATH"]].join(delimiter),
  BUILDX_CONFIG: await house.directory(),
  DOCKER_CONFIG: await house.directory(),
});

const dockerBuildx: Client = async (socket = house.socket) => {
  const { path, libraries, plugins } = await unpackDocker("sid");
  const own = await polyarch();
  await writeFile(join(own["DOCKER_CONFIG"] ?? "", "config.json"), JSON.stringify({ cliPluginsExtraDirs: plugins }));
  const env = {
    ...own,
    BUILDX: "docker buildx",
    DOCKER: "docker",
    PATH: [...path, own["PATH"]].join(delimiter),
    LD_LIBRARY_PATH: libraries.join(delimiter),
    BUILDX_NO_DEFAULT_ATTESTATIONS: "1",
  };
  await must("docker", ["buildx", "create", "--use", "--driver=remote", `unix://${socket}`], { env });
  return env;
};

/** A client's environment with a Docker Engine in it, and its `docker` in the PATH. */
function withDocker(env: Readonly<Record<string, string>>, docker: LabDocker): Record<string, string> {
  const { PATH = "", LD_LIBRARY_PATH = "" } = docker.env;
  return { ...env, DOCKER_HOST: docker.host, PATH: [PATH, env["PATH"]].join(delimiter), LD_LIBRARY_PATH };
}

/** A TCP address for what listens on a unix socket. */
async function forward(address: string): Promise<{ readonly address: string } & AsyncDisposable> {
  const server = createServer((incoming) => {
    const onward = connect(address.replace("unix://", ""));
    for (const [from, to] of [
      [incoming, onward],
      [onward, incoming],
    ] as const) {
      from.pipe(to);
      from.once("error", () => to.destroy());
    }
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    address: `tcp://127.0.0.1:${(server.address() as AddressInfo).port}`,
    [Symbol.asyncDispose]: async () => void server.close(),
  };
}

/** Arguments of unshare, before a command that finds no emulators in this machine's usual place. */
const withoutEmulators = [
  "--mount",
  "sh",
  "-c",
  'for emulator in /usr/bin/qemu-*; do mount --bind /dev/null "$emulator"; done; exec "$@"',
  "sh",
];

/** Runs a script to its end, which must be a good one. */
async function walk(script: string, env: Readonly<Record<string, string>>): Promise<Finished> {
  const done = await run("sh", [join(scripts, script)], {
    cwd: await house.directory(),
    env: { REGISTRY: host, BASE: house.base, ...env },
    timeoutMs: 500_000,
  });
  assert.equal(done.code, 0, `${script}:\n${done.stdout}\n${done.stderr}`);
  return done;
}

/** The platforms of an image in the registry, as skopeo reads them. */
async function platformsOf(image: string): Promise<readonly string[]> {
  const manifests = await readIndex(`${host}/${image}`);
  return manifests.map(({ platform: { os, architecture, variant } }) => [os, architecture, variant].join("/"));
}

before(async () => {
  // docker buildx finds the engine running.
  const started = await house.polyarch(["run", house.base, "true"]);
  assert.equal(started.code, 0, started.stderr);
});

for (const [name, client] of Object.entries({ polyarch, "docker buildx": dockerBuildx })) {
  suite(`with ${name}`, () => {
    test("1: one builder over two Docker hosts, for cross-compiled programs", async () => {
      await using here = await startDocker("sid");
      await using there = await startDocker("sid");
      await using tcp = await forward(there.host);
      const env = withDocker(await client(), here);
      const [ENGINE_IMAGE, GO] = [await pushEngineImage(host, house), await pushGoImage(host)];
      await walk("01-two-docker-hosts.sh", { ...env, ENGINE_IMAGE, GO, REMOTE_DOCKER_HOST: tcp.address });
      assert.deepEqual(await platformsOf("go:1"), ["linux/amd64/", "linux/arm64/", "linux/arm/v7"]);
      for (const docker of [here, there]) {
        assert.equal((await docker.docker(["ps", "--all", "--quiet"])).stdout, "");
        assert.equal((await docker.docker(["volume", "ls", "--quiet"])).stdout, "");
      }
    });

    test("2: a tag for each architecture, and a manifest list over them", async () => {
      await walk("02-manifest.sh", await client());
      assert.deepEqual(await platformsOf("manifest:1"), ["linux/amd64/", "linux/arm64/v8"]);
    });

    test("6: an image is renamed for all platforms", async () => {
      const platforms = labPlatforms.map((platform) => platform.name);
      await walk("06-rename.sh", { ...(await client()), PLATFORMS: platforms.join() });
      assert.equal((await platformsOf("renamed:1")).length, platforms.length);
    });

    test("6: two single-platform tags become one image", async () => {
      await walk("06-combine.sh", await client());
      assert.deepEqual(await platformsOf("combined:both"), ["linux/amd64/", "linux/arm64/"]);
    });

    test("3: emulated for three platforms, pushed as one and loaded one by one", async () => {
      await using undo = new AsyncDisposableStack();
      undo.use(await emulateOnHost()); // for docker run
      const docker = undo.use(await startDocker("sid"));
      await walk("03-emulated.sh", { ...withDocker(await client(), docker), ENGINE: house.socket });
      assert.deepEqual(await platformsOf("emulated:1"), ["linux/arm/v7", "linux/arm64/", "linux/amd64/"]);
    });

    test("4: two engines on the network, over mutual TLS", async () => {
      const certs = await house.directory();
      await must(polyarchProgram, ["daemon", "certs", certs]);
      const flags = ["ca", "cert", "key"].map((n) => `--tls${n === "ca" ? "cacert" : n}=${certs}/daemon/${n}.pem`);
      await using one = await startEngine(["--addr=tcp://127.0.0.1:0", ...flags]);
      await using two = await startEngine(["--addr=tcp://127.0.0.1:0", ...flags]);
      const [NODE_AMD64 = "", NODE_ARM64 = ""] = [one, two].map(({ addresses }) => addresses[0] ?? "");
      const { stderr } = await walk("04-remote-nodes.sh", {
        ...(await client()),
        CERTS: certs,
        NODE_AMD64,
        NODE_ARM64,
      });
      assert.deepEqual(await platformsOf("farm:1"), ["linux/amd64/", "linux/arm64/"]);
      const exports = stderr.matchAll(/^(#\d+) .*exporting to image$/gm);
      assert.equal(new Set([...exports].map(([, step]) => step)).size, 2, `each engine has its share:\n${stderr}`);
      assert.match(stderr, /^#\d+ merging manifest list /m);
    });

    test("4: two engines behind ssh", async () => {
      await using undo = new AsyncDisposableStack();
      const node = async () => {
        const engine = undo.use(await startEngine(["--addr=tcp://127.0.0.1:0"]));
        const PATH = [dirname(buildctlProgram), "/usr/bin", "/bin"].join(delimiter);
        return undo.use(await startSshd({ PATH, BUILDKIT_HOST: engine.addresses[0] ?? "" }));
      };
      const [one, two] = [await node(), await node()];
      // Each has its own ssh, with its own key.
      const ssh = await house.directory();
      const choose = `case "$*" in *${one.port}*) exec ${one.bin}/ssh "$@";; *) exec ${two.bin}/ssh "$@";; esac`;
      await writeFile(join(ssh, "ssh"), `#!/bin/sh\n${choose}\n`, { mode: 0o755 });
      const env = await client();
      const PATH = [ssh, env["PATH"]].join(delimiter);
      await walk("04-ssh-nodes.sh", { ...env, PATH, NODE_AMD64: one.url, NODE_ARM64: two.url });
      assert.deepEqual(await platformsOf("ssh-farm:1"), ["linux/amd64/", "linux/arm64/"]);
    });

    test("5: a Docker Engine behind ssh, and a login on this side only", async () => {
      await using undo = new AsyncDisposableStack();
      undo.use(await emulateOnHost());
      const docker = undo.use(await startDocker("sid"));
      const registry = undo.use(await startRegistry({ users: true }));
      const { PATH: remotePath = "", LD_LIBRARY_PATH = "", DOCKER_HOST = "" } = docker.env;
      const sshd = undo.use(await startSshd({ PATH: remotePath, LD_LIBRARY_PATH, DOCKER_HOST }));
      const env = withDocker(await client(), docker);
      await walk("05-ssh-host.sh", {
        ...env,
        DOCKER_HOST: sshd.url,
        PATH: [sshd.bin, env["PATH"]].join(delimiter),
        REGISTRY: registry.host,
        USERNAME: registryUser.username,
        PASSWORD: registryUser.password,
      });
    });

    test("5: a mirror in place of a registry that cannot be reached", async () => {
      await using mirror = await startRegistry();
      await pushBaseImages(mirror.host);
      await using docker = await startDocker("sid");
      const env = { ...withDocker(await client(), docker), MIRROR: mirror.host };
      await walk("05-mirror.sh", { ...env, ENGINE_IMAGE: await pushEngineImage(host, house) });
      assert.deepEqual(await platformsOf("mirrored:1"), ["linux/amd64/", "linux/arm64/"]);
      const pulled = (await mirror.requests()).filter(
        ({ method, path }) => method === "GET" && path.includes("/blobs/"),
      );
      assert.ok(pulled.some(({ status }) => status === 200));
    });

    test("7: a registry that is older than OCI's formats", async () => {
      await using old = await startOldRegistry(host);
      await walk("07-old-registry.sh", { ...(await client()), OLD_REGISTRY: old.host });
      assert.ok(old.refused.length > 0);
      for (const tag of ["warned", "asked", "without"]) {
        const raw = JSON.parse(
          await must("skopeo", ["inspect", "--raw", "--tls-verify=false", `docker://${host}/old:${tag}`]),
        );
        assert.equal(raw.mediaType, "application/vnd.docker.distribution.manifest.list.v2+json");
        assert.deepEqual(await platformsOf(`old:${tag}`), ["linux/amd64/", "linux/arm64/"]);
        const unpacked = await house.directory();
        await must("skopeo", [
          "copy",
          "--all",
          "--src-tls-verify=false",
          `docker://${host}/old:${tag}`,
          `dir:${unpacked}`,
        ]);
      }
    });

    test("8: an image of the wrong architecture", async (t) => {
      await using bare = await openPolyarch();
      const { POLYARCH_ROOT = "", POLYARCH_SOCKET = "" } = bare.env;
      const { stdout } = await run("unshare", [...withoutEmulators, polyarchProgram, "binfmt"], { env: bare.env });
      if (stdout.includes("linux/arm64")) return t.skip("this machine's own table has an emulator for arm64");
      // The engine stays in the mount namespace in which it was started.
      await must("unshare", [...withoutEmulators, polyarchProgram, "run", house.base, "true"], { env: bare.env });
      const env = await client(POLYARCH_SOCKET);
      await walk("08-wrong-architecture.sh", { ...env, POLYARCH_ROOT, POLYARCH_SOCKET, EMULATING: house.socket });
    });
  });
}
