import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, suite, test } from "node:test";
import { type LabEngine, makeBaseImages, must, polyarchProgram, run, startEngine, unpackDocker } from "../lab/mod.ts";

const home = await mkdtemp(join(tmpdir(), "polyarch-devices-"));
after(() => rm(home, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 }));
const at = (path: string) => join(home, path);
const socket = at("engine.sock");
const env = { BUILDX_CONFIG: at("buildx"), DOCKER_CONFIG: at("docker"), BUILDX_BUILDER: "" };

const fooSpec = `
cdiVersion: "0.7.0"
kind: vendor1.com/device
containerEdits:
  env: [ "VENDOR=1" ]
devices:
- name: foo
  containerEdits:
    env: [ "FOO=injected" ]
    deviceNodes:
    - { path: /dev/foo, hostPath: /dev/zero, fileMode: 0640 }
    - { path: /dev/foo-log, type: c, major: 1, minor: 11, permissions: w }
    - { path: /etc/foo-device, hostPath: /dev/zero }
    mounts:
    - { hostPath: ${at("library")}, containerPath: /opt/vendor/library, options: [ ro ] }
    hooks:
    - { hookName: createRuntime, path: /bin/sh, args: [ sh, -c, 'echo "$WORD" > ${at("hooked")}' ], env: [ WORD=ran ] }
    additionalGids: [ 4242 ]
- name: gone
  containerEdits:
    deviceNodes: [ { path: /dev/no-such-device } ]
`;
const classSpec = {
  cdiVersion: "0.6.0",
  kind: "vendor2.com/net",
  annotations: { "org.mobyproject.buildkit.device.class": "fast" },
  devices: [
    {
      name: "one",
      annotations: { "org.mobyproject.buildkit.device.autoallow": "true" },
      containerEdits: { env: ["ONE=1"] },
    },
  ],
};

let base = "";
let buildx = "";
before(async () => {
  base = `oci-layout://${await makeBaseImages()}:latest`;
  const { plugins } = await unpackDocker("sid");
  buildx = plugins.map((directory) => join(directory, "docker-buildx")).find((path) => existsSync(path)) ?? "";
  await writeFile(at("library"), "vendor's library\n");
  await mkdir(at("cdi"));
  await writeFile(at("cdi/foo.yaml"), fooSpec);
  await writeFile(at("cdi/class.json"), JSON.stringify(classSpec));
  await must(polyarchProgram, ["create", "--name", "lab", "--driver", "remote", "--use", `unix://${socket}`], { env });
});

async function buildWith(program: string, lines: readonly string[], ...args: string[]) {
  const directory = await mkdtemp(at("context-"));
  await writeFile(join(directory, "Dockerfile"), ["FROM base", ...lines, ""].join("\n"));
  const options = ["build", "--builder=lab", "--progress=plain", "--no-cache", `--build-context=base=${base}`];
  return await run(program, [...options, ...args, directory], { env, timeoutMs: 180_000 });
}
/** Builds, and returns what the steps said. */
async function build(lines: readonly string[], ...args: string[]): Promise<string> {
  const done = await buildWith(polyarchProgram, lines, ...args);
  assert.equal(done.code, 0, done.stderr);
  return [...done.stderr.matchAll(/^#\d+ \d+\.\d+ (.*)$/gm)].map((match) => match[1]).join("\n");
}
/** A build that must fail, with what it said. */
async function fails(lines: readonly string[], ...args: string[]): Promise<string> {
  const done = await buildWith(polyarchProgram, lines, ...args);
  assert.notEqual(done.code, 0);
  return done.stderr;
}

const foo = "vendor1.com/device=foo";

suite("an engine that knows of devices", () => {
  let engine: LabEngine;
  before(async () => {
    const flags = [`--cdi-spec-dir=${at("cdi")}`];
    engine = await startEngine([`--addr=unix://${socket}`, ...flags]);
  });
  after(() => engine[Symbol.asyncDispose]());

  test("shows them to clients, with what is said of them", async () => {
    for (const program of [polyarchProgram, buildx]) {
      const shown = await must(program, ["inspect", "lab"], { env, timeoutMs: 180_000 });
      assert.match(shown, /^Devices:\s+Name:\s+vendor1\.com\/device=foo\n\s+Automatically allowed:\s+false$/m);
      assert.match(shown, /Name:\s+vendor2\.com\/net=one\n\s+Automatically allowed:\s+true\n\s+Annotations:/);
      assert.match(shown, /org\.mobyproject\.buildkit\.device\.class:\s+fast$/m);
    }
  });

  test("gives a step those that the build was granted, and leaves nothing of them", async () => {
    const look = "echo FOO=$FOO VENDOR=$VENDOR; ls /dev/foo /etc/foo-device /opt/vendor/library 2>&1 | sort";
    const open = "head -c2 /dev/foo | od -An -tx1; stat -c%a /dev/foo; cat /opt/vendor/library; id -G";
    const write = "echo polyarch > /dev/foo-log && echo written; head -c1 /dev/foo-log || true";
    const said = await build(
      [`RUN --device=${foo} ${look}; ${open}; { ${write}; } 2>&1`, `RUN ${look}`],
      `--allow=device=${foo}`,
    );
    const [with_ = "", without = ""] = said.split("FOO= VENDOR=\n");
    assert.deepEqual(with_.trim().split("\n"), [
      "FOO=injected VENDOR=1",
      "/dev/foo",
      "/etc/foo-device",
      "/opt/vendor/library",
      " 00 00",
      "640",
      "vendor's library",
      "0 4242",
      "written",
      "head: /dev/foo-log: Operation not permitted",
    ]);
    assert.equal(without.match(/No such file or directory/g)?.length, 3, without);
    assert.equal(await readFile(at("hooked"), "utf8"), "ran\n");
    assert.match(await build([`RUN --device=gpu echo got $FOO`], `--allow=device=${foo},alias=gpu`), /^got injected$/m);
    assert.match(
      await build(["RUN chmod 755 /", "USER 7", `RUN --device=${foo} stat -c%u:%g /dev/foo`], "--allow=device"),
      /^7:0$/m,
    );
  });

  test("gives everybody those that are for everybody, by their class, too, and does without optional ones", async () => {
    const steps = ["RUN --device=fast echo one $ONE", "RUN --device=vendor2.com/net echo two $ONE"];
    const said = await build([...steps, "RUN --device=nothing echo none $ONE"]);
    assert.match(said, /^one 1\ntwo 1\nnone$/m);
  });

  test("refuses the others with BuildKit's words", async () => {
    const message = /ERROR: .*device vendor1\.com\/device=foo is requested by the build but not allowed/;
    assert.match(await fails([`RUN --device=${foo} true`]), message);
    assert.match(await fails(["RUN --device=nothing,required true"]), /required device "nothing" is not registered/);
    const gone = await fails(["RUN --device=vendor1.com/device=gone true"], "--allow=device");
    assert.match(gone, /failed to stat CDI host device "\/dev\/no-such-device": .*no such file or directory/);
    assert.match(await fails(["RUN true"], "--allow=device=a,b"), /invalid device config "b"/);
    assert.match(
      await fails(["RUN true"], "--allow=security.insecure"),
      /granting entitlement security\.insecure is not/,
    );
  });

  test("takes docker buildx's word for what a build may have", async () => {
    const refused = await buildWith(buildx, [`RUN --device=${foo} true`]);
    assert.match(refused.stderr, /device vendor1\.com\/device=foo is requested by the build but not allowed/);
    const granted = await buildWith(buildx, [`RUN --device=${foo} echo got $FOO`], `--allow=device=${foo}`);
    assert.equal(granted.code, 0, granted.stderr);
    assert.match(granted.stderr, / got injected$/m);
  });

  test("notices devices that come while it runs", async () => {
    await writeFile(at("cdi/late.json"), JSON.stringify({ ...classSpec, kind: "vendor3.com/late" }));
    assert.match(await build(["RUN --device=vendor3.com/late,required echo late $ONE"]), /^late 1$/m);
  });
});

test("an engine that may not give devices says so", async () => {
  const flags = [`--cdi-spec-dir=${at("cdi")}`, "--cdi-disabled", "--allow-insecure-entitlement=device"];
  const engine = await startEngine([`--addr=unix://${socket}`, ...flags]);
  try {
    assert.doesNotMatch(await must(polyarchProgram, ["inspect", "lab"], { env }), /Devices:/);
    const said = await fails([`RUN --device=${foo},required true`], "--allow=device");
    assert.match(said, /cannot give CDI devices to steps: vendor1\.com\/device=foo: CDI is disabled in this engine/);
  } finally {
    await engine[Symbol.asyncDispose]();
  }
});
