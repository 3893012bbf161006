import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { BuildError } from "../../../base/errors/mod.ts";
import { MemoryBridge } from "../testing/memory-bridge.ts";
import { dockerfileFrontend } from "./mod.ts";

const images = { "docker.io/library/a:latest": {} };
const { signal } = new AbortController();

/** As many instructions as are taken, nearly. */
const many = (line: (at: number) => string, count = 9_900) =>
  Array.from({ length: count }, (_, at) => line(at)).join("\n");

/** What a frontend may take of the processor for any Dockerfile: all that waits on the engine waits for it. */
const limitMs = 15_000;

/** What the frontend makes of it: how many vertices, or what it says; and that it takes no more than it may. */
async function outcome(
  dockerfile: string | Uint8Array,
  given: { readonly options?: Record<string, string>; readonly files?: Record<string, string> } = {},
): Promise<number | string> {
  const { options = {}, files = {} } = given;
  const bridge = new MemoryBridge({ images, options, files: { Dockerfile: dockerfile, ...files } });
  const before = process.cpuUsage();
  try {
    const { refs } = await dockerfileFrontend(bridge, { signal });
    return refs[0]?.definition?.def.length ?? 0;
  } catch (error) {
    assert.ok(error instanceof BuildError, String((error as Error).stack));
    return error.message;
  } finally {
    const { user, system } = process.cpuUsage(before);
    assert.ok((user + system) / 1000 < limitMs, `${(user + system) / 1000} ms`);
  }
}

suite("a Dockerfile as long as is allowed is converted in seconds", () => {
  for (const [name, dockerfile, want] of [
    ["stages that stand on each other", `FROM a AS s0\n${many((at) => `FROM s${at} AS s${at + 1}`)}`, 2],
    [
      "stages that copy from each other",
      `FROM a AS s0\n${many((at) => `FROM scratch AS s${at + 1}\nCOPY --from=s${at} x y`, 4_900)}`,
      4_902,
    ],
    [
      "stages that add to what they stand on",
      `FROM a AS s0\n${many((at) => `FROM s${at} AS s${at + 1}\nLABEL l${at}=x\nARG a${at}=x`, 3_300)}`,
      2,
    ],
    ["linked copies", `FROM a\n${many((at) => `COPY --link x${at} /y${at}`)}`, 19_803],
    ["variables that nobody has set", `FROM a\n${many((at) => `ENV A${at}=$A${at + 10_000}`)}`, 2],
    ["steps", `FROM a\n${many((at) => `RUN echo ${at}`)}`, 9_902],
  ] as const) {
    test(name, async () => assert.equal(await outcome(dockerfile), want));
  }

  test("with more patterns in .dockerignore than anybody writes", async () => {
    const files = { ".dockerignore": many((at) => `dir${at}/**/*.txt`, 20_000) };
    assert.equal(await outcome(`FROM a\n${many((at) => `COPY f${at} /`, 3_000)}`, { files }), 3_003);
  });

  test("and questions about it are answered", async () => {
    const legacy = `FROM a\n${many((at) => `ENV k${at} v`)}`;
    assert.equal(await outcome(legacy, { options: { requestid: "frontend.lint" } }), 0);
    const outline = `${many((at) => `ARG a${at}=$a${at - 1}`, 3_000)}\nFROM a\n${many((at) => `ARG a${at}`, 3_000)}`;
    assert.equal(await outcome(outline, { options: { requestid: "frontend.outline" } }), 0);
  });
});

suite("what would grow without end is refused", () => {
  for (const [name, dockerfile, want] of [
    [
      "a variable that doubles",
      `FROM a\nENV A=${"x".repeat(1_000)}\n${many(() => "ENV A=$A$A", 60)}`,
      /^failed to process/,
    ],
    [
      "an argument that doubles",
      `ARG A=${"x".repeat(1_000)}\n${many(() => "ARG A=$A$A", 60)}\nFROM a`,
      /^failed to process/,
    ],
    ["a path that grows", `FROM a\n${many(() => "WORKDIR d")}`, /^image config is larger than/],
    ["ports", `FROM a\n${many(() => "EXPOSE 1-65535", 50)}`, /^image config is larger than/],
    [
      "variables of steps",
      `FROM a\n${many((at) => `ENV A${at}=x\nRUN y ${at}`, 4_900)}`,
      /^variables of all RUN steps/,
    ],
    ["variables in variables", `ARG A=${"${B:-".repeat(5_000)}${"}".repeat(5_000)}\nFROM a`, /nested too deeply/],
    ["patterns", `ARG A=${"a".repeat(60_000)}\nFROM a\nARG A\nENV B=\${A//a*a*a*a*b/x}`, /takes too long to match/],
    ["triggers", `FROM a\n${"ONBUILD ".repeat(8_000)}RUN x`, /Chaining ONBUILD/],
  ] as const) {
    test(name, async () => assert.match(String(await outcome(dockerfile)), want));
  }
});

suite("bytes that are no text", () => {
  test("are taken as they can be, where any word can stand", async () => {
    const dockerfile = Buffer.concat([
      Buffer.from("FROM a\nENV x="),
      Buffer.from([0xff, 0xfe, 0xc3]),
      Buffer.from("\nCOPY "),
      Buffer.from([0x80, 0x81]),
      Buffer.from(" /y\nRUN <<E\n"),
      Buffer.from([0x80, 0x00, 0x81, 0x0a]),
      Buffer.from("E\nWORKDIR "),
      Buffer.from([0xc0, 0xaf]),
    ]);
    assert.equal(await outcome(dockerfile), 6);
  });

  test("are no name of a stage", async () => {
    const dockerfile = Buffer.concat([Buffer.from("FROM a AS "), Buffer.from([0xff, 0xfe])]);
    assert.match(String(await outcome(dockerfile)), /invalid name for build stage/);
  });
});
