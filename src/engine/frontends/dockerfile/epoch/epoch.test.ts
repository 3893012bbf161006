import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { BuildError } from "../../../../base/errors/mod.ts";
import { decodeImageConfig } from "../../../../oci/mod.ts";
import { MemoryBridge, type MemoryBridgeOptions } from "../../testing/memory-bridge.ts";
import { dockerfileFrontend } from "../mod.ts";

const { signal } = new AbortController();
const times = { "git://example.org/a.git": 1_500_000_000, "https://example.org/file": 1_600_000_000 };

/** What becomes of `SOURCE_DATE_EPOCH`: for exporters, and in the history of the image. */
async function epochOf(dockerfile: string, epoch: string | undefined, given: Partial<MemoryBridgeOptions> = {}) {
  const options = { ...given.options, ...(epoch !== undefined && { "build-arg:SOURCE_DATE_EPOCH": epoch }) };
  const bridge = new MemoryBridge({ times, ...given, files: { Dockerfile: dockerfile }, options });
  const { metadata } = await dockerfileFrontend(bridge, { signal });
  const text = (key: string) => metadata[key] && new TextDecoder().decode(metadata[key]);
  const { history = [] } = decodeImageConfig(metadata["containerimage.config"] ?? new Uint8Array());
  return { epoch: text("source.date.epoch"), history: history.map(({ created_by, created }) => [created_by, created]) };
}

const plain = "FROM scratch\nARG SOURCE_DATE_EPOCH\nENV A=b\n";
const shown = (arg: string, created: string | undefined) => [
  [arg, created],
  ["ENV A=b", created],
];

suite("SOURCE_DATE_EPOCH", () => {
  test("may be a number, from the request or in front of the first FROM, and arguments show it", async () => {
    for (const [given, seconds, created] of [
      ["0", "0", "1970-01-01T00:00:00Z"],
      ["1700000000", "1700000000", "2023-11-14T22:13:20Z"],
      ["+5", "5", "1970-01-01T00:00:05Z"],
      ["-1", "-1", "1969-12-31T23:59:59Z"],
    ] as const) {
      const want = { epoch: seconds, history: shown(`ARG SOURCE_DATE_EPOCH=${seconds}`, created) };
      assert.deepEqual(await epochOf(plain, given), want);
      assert.deepEqual(await epochOf(`ARG SOURCE_DATE_EPOCH=${given}\n${plain}`, undefined), want);
      assert.deepEqual(await epochOf(`ARG SOURCE_DATE_EPOCH=7\n${plain}`, given), want);
    }
  });

  test("is nothing where the context is a directory of the client", async () => {
    const want = { epoch: undefined, history: shown("ARG SOURCE_DATE_EPOCH", undefined) };
    assert.deepEqual(await epochOf(plain, "context"), want);
    assert.deepEqual(await epochOf(plain, ""), want);
    assert.deepEqual(await epochOf(plain, "name", { options: { "context:name": "local:name" } }), want);
  });

  test("may be that of a named context: a repository, an address, an image", async () => {
    const images = { "docker.io/library/a:latest": { created: "2001-09-09T01:46:40.5Z" } };
    for (const [context, want] of [
      ["https://example.org/a.git", "1500000000"],
      ["https://example.org/file", "1600000000"],
      ["docker-image://a", "1000000000"],
    ] as const) {
      const { epoch } = await epochOf(plain, "name", { images, options: { "context:name": context } });
      assert.equal(epoch, want, context);
    }
  });

  test("may be that of a stage that is nothing but a source", async () => {
    const stages = `
      ARG WHERE=https://example.org
      FROM scratch AS repository
      ADD https://example.org/a.git /
      FROM scratch AS File
      ARG NAME=file
      ADD --chmod=644 $WHERE/\${NAME} /
    `;
    assert.equal((await epochOf(stages, "repository")).epoch, "1500000000");
    assert.equal((await epochOf(stages, "FILE")).epoch, "1600000000");
    const options = { "build-arg:NAME": "a.git" };
    assert.equal((await epochOf(stages, "file", { options })).epoch, "1500000000");
  });

  test("has to make sense", async () => {
    const stage = (...lines: string[]) => ["FROM scratch AS other", ...lines, "FROM scratch", "ENV A=b"].join("\n");
    const add = "ADD https://example.org/file /";
    for (const [dockerfile, epoch, message, line] of [
      [plain, "tomorrow", "invalid SOURCE_DATE_EPOCH: tomorrow", undefined],
      [plain, "99999999999999", "invalid SOURCE_DATE_EPOCH: 99999999999999", undefined],
      [`${plain}FROM a AS s\n${add}`, "s", "SOURCE_DATE_EPOCH stage must use FROM scratch", 4],
      [stage(), "other", "SOURCE_DATE_EPOCH stage must contain exactly one remote ADD", 1],
      [stage(add, add), "other", "SOURCE_DATE_EPOCH stage must contain exactly one remote ADD", 1],
      [
        stage("ADD https://a/b https://a/c /"),
        "other",
        "SOURCE_DATE_EPOCH stage must contain exactly one remote ADD source",
        1,
      ],
      [stage("ADD <<EOF /\nEOF"), "other", "SOURCE_DATE_EPOCH stage must contain exactly one remote ADD source", 1],
      [
        stage(add, "RUN true"),
        "other",
        "SOURCE_DATE_EPOCH stage does not meet source-only requirements: unsupported RUN instruction",
        1,
      ],
      [stage("ADD file /"), "other", "SOURCE_DATE_EPOCH stage source must be a single HTTP(S) or Git ADD", 1],
      [stage(`${add.replace("ADD", "ADD --checksum=sha256:1")}`), "other", "invalid checksum digest length", 1],
    ] as const) {
      await assert.rejects(epochOf(dockerfile, epoch), (error) => {
        assert.ok(error instanceof BuildError);
        assert.deepEqual([error.message, error.location?.start.line], [message, line]);
        return true;
      });
    }
  });
});
