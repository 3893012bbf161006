import assert from "node:assert/strict";
import { test } from "node:test";
import { must } from "../lab/mod.ts";
import { openHouse } from "./harness.ts";
import { readSteps, stepNamed } from "./progress-text.ts";

const house = await openHouse();
const context = await house.context({
  Dockerfile: `
    FROM ${house.base} AS tools
    RUN echo from the tools

    FROM ${house.base}
    COPY --from=tools /etc/passwd /copied
    RUN echo from the end
  `,
});

test("plain progress numbers the steps and names them as buildx's users know them", async () => {
  const { stderr, stdout } = await house.build(context, [
    "--no-cache",
    "-o",
    `type=local,dest=${await house.directory()}`,
  ]);
  assert.equal(stdout, "");
  assert.match(stderr, /^#0 building with "\S+" instance using \S+ driver$/m);
  const names = readSteps(stderr).map(({ name }) => name);
  assert.equal(names[1], "[internal] load build definition from Dockerfile");
  for (const name of [
    `[internal] load metadata for ${house.base}`,
    "[internal] load .dockerignore",
    "[tools 2/2] RUN echo from the tools",
    "[stage-1 2/3] COPY --from=tools /etc/passwd /copied",
    "[stage-1 3/3] RUN echo from the end",
    "exporting to client directory",
  ]) {
    assert.ok(names.includes(name), `no step ${name} in:\n${stderr}`);
  }
  assert.ok(
    names.some((name) => name.startsWith(`[tools 1/2] FROM ${house.base}@sha256:`)),
    stderr,
  );
  const numbers = readSteps(stderr).map(({ number }) => number);
  assert.deepEqual(numbers, numbers.keys().toArray());
  assert.match(stderr, /^#1 transferring dockerfile: \d+B( [\d.]+s)? done$/m);
  assert.deepEqual(stepNamed(stderr, "from the tools").log, ["from the tools"]);
  assert.ok(stepNamed(stderr, "from the tools").done);
});

test("with several platforms each step says which one it is for", async () => {
  const { stderr } = await house.build(context, ["--no-cache", "--platform", "linux/amd64,linux/arm64"]);
  const names = readSteps(stderr).map(({ name }) => name);
  assert.ok(names.includes("[linux/amd64 tools 2/2] RUN echo from the tools"), stderr);
  assert.ok(names.includes("[linux/arm64 tools 2/2] RUN echo from the tools"), stderr);
  assert.ok(names.includes("[linux/arm64 stage-1 3/3] RUN echo from the end"), stderr);
});

test("a cross stage says from where to where", async () => {
  const cross = await house.context({
    Dockerfile: `
      FROM --platform=$BUILDPLATFORM ${house.base} AS tools
      ARG TARGETARCH
      RUN echo for \${TARGETARCH} > /made
      FROM scratch
      COPY --from=tools /made /
    `,
  });
  const { stderr } = await house.build(cross, ["--platform", "linux/amd64,linux/arm64"]);
  assert.match(stderr, /^#\d+ \[linux\/amd64->arm64 tools 2\/2\] RUN echo for arm64 > \/made$/m);
});

test("rawjson is one SolveStatus per line", async () => {
  const { code, stderr } = await house.polyarch(["build", "--no-cache", "--progress=rawjson", context]);
  assert.equal(code, 0, stderr);
  const lines = stderr
    .trim()
    .split("\n")
    .filter((line) => line.startsWith("{"))
    .map((line) => JSON.parse(line) as { vertexes?: Vertex[]; logs?: Log[]; statuses?: unknown[] });
  const vertexes = lines.flatMap((line) => line.vertexes ?? []);
  const tools = vertexes.filter(({ name }) => name === "[tools 2/2] RUN echo from the tools");
  assert.ok(tools.length > 0, stderr);
  assert.ok(tools.some(({ started }) => started !== undefined));
  assert.ok(tools.some(({ completed }) => completed !== undefined));
  for (const { digest } of vertexes) assert.match(digest, /^sha256:[0-9a-f]{64}$/);
  const logs = lines.flatMap((line) => line.logs ?? []).filter(({ vertex }) => vertex === tools[0]?.digest);
  assert.equal(Buffer.concat(logs.map(({ data }) => Buffer.from(data, "base64"))).toString(), "from the tools\n");
  assert.equal(logs[0]?.stream, 1);
});

interface Vertex {
  readonly digest: string;
  readonly name: string;
  readonly started?: string;
  readonly completed?: string;
}
interface Log {
  readonly vertex: string;
  readonly stream: number;
  readonly data: string;
}

test("on a terminal, progress is drawn in place and ends with all steps", async () => {
  const command = house.commandLine(["build", "--no-cache", context]).join(" ");
  const env = { ...house.env, TERM: "xterm" };
  const typescript = await must("script", ["--quiet", "--return", "--command", command, "/dev/null"], { env });
  assert.match(typescript, /\[\+\] Building \d+\.\d+s \(\d+\/\d+\)/);
  assert.match(typescript, /\[\+\] Building \d+\.\d+s \(\d+\/\d+\) FINISHED/);
  assert.match(typescript, / => \[tools 2\/2\] RUN echo from the tools/);
  assert.match(typescript, /\x1b\[\d*[AF]/, "the cursor goes up to draw again");
});

test("a failing step is shown once more at the end, with the lines of the Dockerfile", async () => {
  const failing = await house.context({
    Dockerfile: `FROM ${house.base}\n# why\nRUN echo one; echo two; exit 3\nRUN echo never\n`,
  });
  const { stderr } = await house.fails(failing);
  const end = stderr.slice(stderr.indexOf("\n------\n"));
  const number = stepNamed(stderr, "exit 3").number;
  assert.match(
    stderr,
    new RegExp(`^#${number} ERROR: process "/bin/sh -c echo one; echo two; exit 3" did not complete`, "m"),
  );
  assert.match(
    end,
    /^\n------\n > \[2\/3\] RUN echo one; echo two; exit 3:\n\d+\.\d+ one\n\d+\.\d+ two\n------\nDockerfile:3\n-{20}\n/,
  );
  const excerpt = [
    " +1 \\|     FROM .*",
    " +2 \\|     # why",
    " +3 \\| >>> RUN echo one; echo two; exit 3",
    " +4 \\|     RUN echo never",
  ];
  assert.match(
    end,
    new RegExp(
      `-{20}\\n${excerpt.join("\\n")}\\n(?: +5 \\|     \\n)?-{20}\\nERROR: failed to build: failed to solve: `,
    ),
  );
});
