import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { delimiter, dirname, join, relative } from "node:path";
import { before, suite, test } from "node:test";
import {
  buildctlProgram,
  type LabEngine,
  must,
  polyarchProgram,
  readIndex,
  startEngine,
  startSshd,
} from "../lab/mod.ts";
import { openHouse } from "./harness.ts";

const house = await openHouse();
const context = await house.context({
  Dockerfile: `
    FROM ${house.base}
    RUN uname -m > /machine
    COPY word /
  `,
  word: "hello\n",
});
const home = await house.directory();
const socket = join(home, "engine.sock");
const certs = (whose: string) => join(home, whose, "client");
const files = (whose: string) =>
  ["ca", "cert", "key"].map((name) => `${name === "ca" ? "cacert" : name}=${certs(whose)}/${name}.pem`);

let engine: LabEngine;
let address = "";
before(async () => {
  for (const whose of ["ours", "strangers"]) await must(polyarchProgram, ["daemon", "certs", join(home, whose)]);
  const daemon = join(home, "ours/daemon");
  const tls = ["ca", "cert", "key"].flatMap((name) => [
    `--tls${name === "ca" ? "cacert" : name}`,
    join(daemon, `${name}.pem`),
  ]);
  engine = house.own(await startEngine([`--addr=unix://${socket}`, "--addr=tcp://127.0.0.1:0", ...tls]));
  address = engine.addresses[1] ?? "";
});

let made = 0;
/** Makes a builder of its own name with what follows `--driver remote`, and builds with it. */
async function builds(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<void> {
  const name = `remote${made++}`;
  const created = await house.polyarch(["create", "--name", name, "--driver=remote", ...args], { env });
  assert.equal(created.code, 0, created.stderr);
  const image = `${house.registry.host}/${name}:1`;
  const platforms = "--platform=linux/amd64,linux/arm64";
  const build = ["build", "--builder", name, "--progress=plain", platforms, "-t", image, "--push", context];
  const done = await house.polyarch(build, { env });
  assert.equal(done.code, 0, done.stderr);
  assert.match(done.stderr, new RegExp(`^#0 building with "${name}" instance using remote driver$`, "m"));
  assert.equal((await readIndex(image)).length, 2);
  const out = await house.directory();
  const local = ["build", "--builder", name, "-o", `type=local,dest=${out}`, context];
  assert.equal((await house.polyarch(local, { env })).code, 0);
  assert.equal(await readFile(join(out, "word"), "utf8"), "hello\n");
}

suite("the remote driver", () => {
  test("builds with an engine behind a unix socket", () => builds([`unix://${socket}`]));

  test("builds with the engine that BUILDKIT_HOST names", () => builds([], { BUILDKIT_HOST: `unix://${socket}` }));

  test("builds over TCP with certificates on both sides", async () => {
    await builds(["--driver-opt", files("ours").join(), address]);
    const named = [...files("ours"), "servername=localhost"].join();
    await builds(["--driver-opt", named, address]);
  });

  test("builds with an engine that ssh leads to", async (t) => {
    const PATH = `${dirname(buildctlProgram)}:/usr/bin:/bin`;
    const sshd = await startSshd({ PATH, BUILDKIT_HOST: `unix://${socket}` });
    t.after(() => sshd[Symbol.asyncDispose]());
    const env = { PATH: [sshd.bin, process.env["PATH"]].join(delimiter) };
    await builds([sshd.url], env);
    await builds([`${sshd.url}${socket}`], env);
  });

  test("says what is wrong with certificates", async () => {
    const fails = async (options: readonly string[], message: RegExp) => {
      const name = `wrong${made++}`;
      const create = ["create", "--name", name, "--driver=remote", "--driver-opt", options.join(), address];
      const created = await house.polyarch(create);
      const { code, stderr } =
        created.code === 0 ? await house.polyarch(["build", "--builder", name, "--progress=plain", context]) : created;
      assert.equal(code, 1, options.join());
      assert.match(stderr, message);
    };
    await fails(
      [`cacert=${relative(process.cwd(), certs("ours"))}/ca.pem`],
      /non-absolute path '.*' provided for cacert/,
    );
    await fails([files("ours")[1] ?? "", files("ours")[2] ?? ""], /tls enabled, but missing keys cacert/);
    await fails(files("ours").slice(0, 2), /tls enabled, but missing keys key/);
    await fails([...files("ours"), "colour=blue"], /invalid driver option colour for remote driver/);
    await fails(files("strangers"), /self-signed certificate|unable to (get|verify)|certificate/);
    await fails([...files("ours"), "servername=elsewhere"], /does not match certificate's altnames|elsewhere/);
    await fails(files("ours").slice(0, 1), /certificate required/);
  });

  test("names the engine that does not answer, within a minute", async () => {
    const nowhere = `unix://${join(home, "nowhere.sock")}`;
    await house.polyarch(["create", "--name=lost", "--driver=remote", nowhere]);
    const { code, stderr, ms } = await house.polyarch(["build", "--builder=lost", "--progress=plain", context]);
    assert.equal(code, 1);
    assert.ok(stderr.includes(nowhere), stderr);
    assert.match(stderr, /connect: no such file or directory/);
    assert.ok(ms < 60_000, `${ms} ms`);
  });

  test("refuses flags, configuration and places that make no sense", async () => {
    const cases: readonly (readonly [readonly string[], RegExp])[] = [
      [["--buildkitd-flags=--debug", `unix://${socket}`], /setting buildkit flags is not supported for remote driver/],
      [["http://there"], /unrecognized url scheme http/],
      [["kube-pod://Pod"], /unsupported pod name: "Pod"/],
      [["ssh://me:secret@there"], /plain-text password is not supported/],
    ];
    for (const [args, message] of cases) {
      const { code, stderr } = await house.polyarch(["create", "--driver=remote", ...args]);
      assert.notEqual(code, 0, args.join(" "));
      assert.match(stderr, message);
    }
  });
});
