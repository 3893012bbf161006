import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { must, run, unpackDocker } from "../lab/mod.ts";
import { openHouse, differs } from "./harness.ts";

const house = await openHouse();

const dockerfile = `# base what all start from
FROM ${house.base} AS base
# VERSION of the program
ARG VERSION=1
MAINTAINER me
RUN --mount=type=secret,id=key,required \\
  true

FROM base as last
CMD echo $VERSION
`;

const checked = `Check complete, 3 warnings have been found!

WARNING: MaintainerDeprecated - https://docs.docker.com/go/dockerfile/rule/maintainer-deprecated/
Maintainer instruction is deprecated in favor of using label
Dockerfile:5
--------------------
   3 |     # VERSION of the program
   4 |     ARG VERSION=1
   5 | >>> MAINTAINER me
   6 |     RUN --mount=type=secret,id=key,required \\
   7 |       true
--------------------

WARNING: FromAsCasing - https://docs.docker.com/go/dockerfile/rule/from-as-casing/
'as' and 'FROM' keywords' casing do not match
Dockerfile:9
--------------------
   7 |       true
   8 |     
   9 | >>> FROM base as last
  10 |     CMD echo $VERSION
  11 |     
--------------------

WARNING: JSONArgsRecommended - https://docs.docker.com/go/dockerfile/rule/json-args-recommended/
JSON arguments recommended for CMD to prevent unintended behavior related to OS signals
Dockerfile:10
--------------------
   8 |     
   9 |     FROM base as last
  10 | >>> CMD echo $VERSION
  11 |     
--------------------
`;

const outlined = `TARGET: last

BUILD ARG   VALUE   DESCRIPTION
VERSION     1       of the program

SECRET   REQUIRED
key      true

`;

const listed = "TARGET         DESCRIPTION\nbase           what all start from\nlast (default) \n";

const context = await house.context({ Dockerfile: dockerfile });

const calls: readonly [args: readonly string[], stdout: string, code: number][] = [
  [["--check"], checked, 1],
  [["--call=check,ignorestatus=true"], checked, 0],
  [["--call=outline"], outlined, 0],
  [["--check", "--call=outline"], outlined, 0],
  [["--call=outline", "--check"], checked, 1],
  [["--call=targets"], listed, 0],
];

for (const [args, stdout, code] of calls) {
  test(`${args.join(" ")} is answered as people know it`, async () => {
    const told = await house.polyarch(["build", ...args, "."], { cwd: context });
    assert.equal(told.stdout, stdout, told.stderr);
    assert.equal(told.code, code);
  });
}

test("--call=check says why a Dockerfile cannot be built, and JSON when asked", async () => {
  const broken = await house.context({ Dockerfile: `FROM ${house.base}\nMAINTAINER x\nFRUM y\n` });
  const told = await house.polyarch(["build", "--call=check", broken]);
  assert.equal(told.code, 1);
  assert.match(told.stdout, /^Check complete, 1 warning has been found!/);
  const error = "ERROR: dockerfile parse error on line 3: unknown instruction: FRUM (did you mean FROM?)\n";
  assert.ok(told.stderr.includes(`${error}${broken}/Dockerfile:3\n`), told.stderr);
  const { stdout } = await house.polyarch(["build", "--call=check,format=json", broken]);
  const { warnings, buildError } = JSON.parse(stdout) as { warnings: { ruleName: string }[]; buildError: unknown };
  assert.deepEqual(
    warnings.map(({ ruleName }) => ruleName),
    ["MaintainerDeprecated"],
  );
  assert.ok(buildError);
  const unknown = await house.polyarch(["build", "--call=moon", broken]);
  assert.match(unknown.stderr, /unsupported request frontend\.moon/);
});

test("warnings stand below a build, and fail it where the directive says so", async () => {
  const text = (directive: string) => `${directive}FROM ${house.base}\nMAINTAINER x\nENV A 1\n`;
  const built = await house.build(await house.context({ Dockerfile: text("") }));
  assert.ok(
    built.stderr.includes(`
 2 warnings found (use docker --debug to expand):
 - MaintainerDeprecated: Maintainer instruction is deprecated in favor of using label (line 2)
 - LegacyKeyValueFormat: "ENV key=value" should be used instead of legacy "ENV key value" format (line 3)
`),
    built.stderr,
  );
  const strict = await house.context({ Dockerfile: text("# check=skip=LegacyKeyValueFormat;error=true\n") });
  const failed = await house.fails(strict);
  assert.match(failed.stderr, /lint violation found for rules: MaintainerDeprecated\n/);
  await house.build(strict, ["--build-arg", "BUILDKIT_DOCKERFILE_CHECK=skip=all"]);
});

test("docker buildx shows the same of our engine", { skip: differs("about our own engine") }, async (t) => {
  if (process.env["POLYARCH_E2E_REFERENCE"]) return t.skip("is what the tests above are about there");
  const home = join(await house.directory(), "docker");
  await mkdir(home);
  const { plugins } = await unpackDocker("sid");
  const buildx = plugins.map((directory) => join(directory, "docker-buildx")).find((file) => existsSync(file)) ?? "";
  const env = { DOCKER_CONFIG: home, BUILDX_NO_DEFAULT_ATTESTATIONS: "1" };
  await house.settled();
  await must(buildx, ["create", "--name", "ours", "--driver", "remote", `unix://${house.socket}`, "--use"], { env });
  for (const [args, stdout, code] of calls) {
    const told = await run(buildx, ["build", ...args, "."], { env, cwd: context });
    assert.equal(told.stdout, stdout, told.stderr);
    assert.equal(told.code, code);
  }
});
