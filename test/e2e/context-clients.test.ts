import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { suite, test } from "node:test";
import { type Finished, must, type RunOptions, serveFiles, startDocker, startEngine, startGit } from "../lab/mod.ts";
import { openHouse } from "./harness.ts";

const house = await openHouse();
const docker = house.own(await startDocker("sid"));
const git = house.own(await startGit());

const files = { Dockerfile: "FROM scratch\nCOPY word /out\n", word: "main\n" };
const context = await house.context({ ...files, ".dockerignore": "unwanted\n", unwanted: "" });
const data = await house.context({ word: "named\n" });
const repository = await git.repository("project.git", [{ ...files, word: "git\n" }]);
const archive = Buffer.from(await must("sh", ["-c", `tar -C ${context} -c . | gzip | base64 -w0`]), "base64");
const server = house.own(await serveFiles({ "/context.tar.gz": archive }));
const image = `${house.registry.host}/clients:v1`;
await house.build(data, ["--file=-", "--tag", image, "--push"], { stdin: "FROM scratch\nCOPY word /\n" });
const layouts = await house.directory();
await must("skopeo", ["copy", "-q", "--src-tls-verify=false", `docker://${image}`, `oci:${layouts}/layout:v1`]);

const copyNamed = "FROM scratch\nCOPY --from=name word /out\n";
const cases: [what: string, args: readonly string[], stdin: string | Uint8Array, want: string][] = [
  ["a Dockerfile on stdin", ["--file=-", context], "FROM scratch\nCOPY word /out\n", "main\n"],
  ["an archive on stdin", ["-"], archive, "main\n"],
  ["an archive behind an address", [`${server.address}/context.tar.gz`], "", "main\n"],
  ["a repository", [`${repository}#main`], "", "git\n"],
  ["a repository with a query", [`${repository}?branch=main`], "", "git\n"],
  ["a directory under a name", [`--build-context=name=${data}`, "--file=-", context], copyNamed, "named\n"],
  ["an image under a name", [`--build-context=name=docker-image://${image}`, "-"], copyNamed, "named\n"],
  ["a layout under a name", [`--build-context=name=oci-layout://${layouts}/layout:v1`, "-"], copyNamed, "named\n"],
  ["a repository under a name", [`--build-context=name=${repository}#v1`, "-"], copyNamed, "git\n"],
];

/** Runs all cases through a client that builds to a directory. */
function everyCase(build: (args: readonly string[], options: RunOptions) => Promise<Finished>): void {
  for (const [what, args, stdin, want] of cases) {
    test(what, async () => {
      const out = await house.directory();
      const done = await build(["--progress=plain", "--output", out, ...args], { stdin });
      assert.equal(done.code, 0, done.stderr);
      assert.equal(await readFile(join(out, "out"), "utf8"), want);
    });
  }
}

suite("docker buildx with our engine", async () => {
  const socket = join(await house.directory(), "engine.sock");
  house.own(await startEngine([`--addr=unix://${socket}`]));
  const create = ["buildx", "create", "--name=ours", "--driver=remote", `unix://${socket}`];
  assert.equal((await docker.docker(create)).code, 0);
  everyCase((args, options) => docker.docker(["buildx", "build", "--builder=ours", ...args], options));
});

suite("our client with the engine inside Docker", () => {
  everyCase((args, options) =>
    house.polyarch(["build", "--builder=default", ...args], { ...options, env: { ...docker.env } }),
  );
});
