import assert from "node:assert/strict";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import {
  type IndexedManifest,
  elfMachine,
  emulateOnHost,
  labPlatforms,
  must,
  readIndex,
  run,
  runUnpacked,
  startDocker,
  unpackImage,
} from "../lab/mod.ts";
import { imageConfig, openHouse, differs } from "./harness.ts";

const house = await openHouse();
const example = join(import.meta.dirname, "..", "..", "examples", "hello");
const image = `${house.registry.host}/hello:latest`;
let manifests: readonly IndexedManifest[] = [];

before(async () => {
  const platforms = labPlatforms.map(({ name }) => name).join(",");
  await house.build(example, [
    "--build-arg",
    `REGISTRY=${house.registry.host}`,
    "--platform",
    platforms,
    "-t",
    image,
    "--push",
  ]);
  manifests = (await readIndex(image)).filter(({ platform }) => platform.os !== "unknown");
});

test("an image for seven platforms is one OCI index, in the order in which they were asked for", {
  skip: differs("the engine inside Docker pushes in Docker's formats"),
}, async () => {
  const raw = JSON.parse(await must("skopeo", ["inspect", "--tls-verify=false", "--raw", `docker://${image}`]));
  assert.equal(raw.schemaVersion, 2);
  assert.equal(raw.mediaType, "application/vnd.oci.image.index.v1+json");
  assert.deepEqual(
    manifests.map(({ platform }) => [platform.os, platform.architecture, platform.variant].filter(Boolean).join("/")),
    labPlatforms.map(({ name }) => name),
  );
  for (const { mediaType } of manifests) assert.equal(mediaType, "application/vnd.oci.image.manifest.v1+json");
});

test("skopeo copies all of it, and finds every blob to be what its digest says", {
  skip: differs("the engine inside Docker pushes in Docker's formats"),
}, async () => {
  const layout = join(await house.directory(), "layout");
  await must("skopeo", [
    "copy",
    "--quiet",
    "--all",
    "--src-tls-verify=false",
    `docker://${image}`,
    `oci:${layout}:hello`,
  ]);
  const raw = JSON.parse(await must("skopeo", ["inspect", "--raw", `oci:${layout}:hello`]));
  assert.deepEqual(
    raw.manifests.map((m: IndexedManifest) => m.digest).slice(0, 7),
    manifests.map(({ digest }) => digest),
  );
});

for (const platform of labPlatforms) {
  test(`${platform.name}: umoci unpacks it, and it runs and prints its own architecture`, async () => {
    const manifest = manifests[labPlatforms.indexOf(platform)];
    assert.ok(manifest);
    const source = `docker://${house.registry.host}/hello@${manifest.digest}`;
    const config = await imageConfig(source);
    assert.equal(config.architecture, platform.architecture);
    await using unpacked = await unpackImage(source);
    assert.equal(await elfMachine(join(unpacked.rootfs, "bin/busybox")), platform.elfMachine);
    assert.equal(
      (await runUnpacked(unpacked)).trim(),
      `Hello from ${platform.name}, built on ${platform.machine}, running on ${platform.machine}`,
    );
  });
}

test("a foreign RUN with no emulator says what to install, before anything runs", {
  skip: differs("runs it and leaves the words to the kernel"),
}, async (t) => {
  const handlers = await readdir("/proc/sys/fs/binfmt_misc").catch(() => []);
  // A platform that no other test makes this machine run.
  if (handlers.some((name) => name.includes("mips64el"))) return t.skip("this machine itself runs mips64el programs");
  const context = await house.context({ Dockerfile: `FROM scratch\nRUN ["/bin/echo", "must not run"]\n` });
  await house.kill(); // an engine that starts now looks for emulators again, and finds this one to be nothing
  const hide = 'mount --bind /dev/null /usr/bin/qemu-mips64el-static && exec "$@"';
  const build = house.commandLine(["build", "--progress=plain", "--platform=linux/mips64le", context]);
  const args = ["--mount", "--propagation", "private", "sh", "-c", hide, "sh", ...build];
  const { stderr, code, ms } = await run("unshare", args, { env: house.env, timeoutMs: 180_000 });
  await house.kill();
  assert.equal(code, 1, stderr);
  assert.match(stderr, /linux\/mips64le/);
  assert.match(stderr, /linux\/amd64/, "what this machine is");
  assert.match(stderr, /qemu-user-static|qemu-user/, "the remedy");
  assert.match(stderr, /^Dockerfile:2$/m);
  assert.doesNotMatch(stderr, /^#\d+ [\d.]+ must not run$/m);
  assert.ok(ms < 55_000);
});

test("a real Docker Engine pulls and runs it on every platform", async () => {
  await using emulation = await emulateOnHost();
  assert.ok(emulation);
  await using docker = await startDocker("stable");
  for (const platform of labPlatforms) {
    const args = ["run", "--rm", "--pull=always", "--quiet", "--network=none", "--platform", platform.name, image];
    const done = await docker.docker(args.filter((arg) => arg !== "--quiet"));
    assert.equal(done.code, 0, done.stderr);
    assert.equal(
      done.stdout.trim(),
      `Hello from ${platform.name}, built on ${platform.machine}, running on ${platform.machine}`,
    );
  }
});

test("imagetools inspect prints it as buildx does", {
  skip: differs("the engine inside Docker pushes in Docker's formats"),
}, async () => {
  const { code, stdout, stderr } = await house.polyarch(["imagetools", "inspect", image]);
  assert.equal(code, 0, stderr);
  const digest = (
    await must("skopeo", ["inspect", "--tls-verify=false", "--format", "{{.Digest}}", `docker://${image}`])
  ).trim();
  const lines = stdout.split("\n").map((line) => line.trimEnd());
  assert.deepEqual(lines.slice(0, 5), [
    `Name:      ${image}`,
    "MediaType: application/vnd.oci.image.index.v1+json",
    `Digest:    ${digest}`,
    "",
    "Manifests:",
  ]);
  const listed = manifests.flatMap((manifest, at) => [
    `  Name:      ${image}@${manifest.digest}`,
    "  MediaType: application/vnd.oci.image.manifest.v1+json",
    `  Platform:  ${labPlatforms[at]?.name}`,
    "",
  ]);
  assert.deepEqual(lines.slice(5, 5 + listed.length - 1), listed.slice(0, -1));
});

test("imagetools inspect --raw prints the very bytes of the registry", async () => {
  const { stdout } = await house.polyarch(["imagetools", "inspect", "--raw", image]);
  assert.equal(
    stdout.trimEnd(),
    (await must("skopeo", ["inspect", "--tls-verify=false", "--raw", `docker://${image}`])).trimEnd(),
  );
});

after(async () => {
  await house.settled();
});
