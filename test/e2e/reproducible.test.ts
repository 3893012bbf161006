import assert from "node:assert/strict";
import { mkdtemp, readFile, rm, utimes } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, suite, test } from "node:test";
import { must, openPolyarch } from "../lab/mod.ts";
import { imageConfig, listTar, openHouse, readMetadata, differs } from "./harness.ts";

const house = await openHouse();
const other = await openPolyarch();
after(() => other[Symbol.asyncDispose]());
const scratch = await mkdtemp(join(tmpdir(), "polyarch-reproducible-"));
after(() => rm(scratch, { recursive: true, force: true }));

/** 2021-01-01 */
const epoch = 1609459200;
const files = {
  Dockerfile: `
    FROM ${house.base}
    ENV A=b
    RUN --network=none echo made > /made
    COPY word old /files/
    WORKDIR /work/dir
  `,
  word: "hello\n",
  old: "old\n",
};

/** The same files as before, written at another time; `old` is older than the epoch. */
async function context(seconds: number): Promise<string> {
  const directory = await house.context(files);
  await utimes(join(directory, "word"), seconds, seconds);
  await utimes(join(directory, "old"), 1_000_000_000, 1_000_000_000);
  return directory;
}

/** Builds to an archive, and tells the digest and where the archive is. */
async function built(
  engine: Pick<typeof house, "polyarch">,
  seconds: number,
): Promise<{ digest: string; tar: string }> {
  const tar = join(scratch, `${seconds}.tar`);
  const metadata = join(scratch, `${seconds}.json`);
  const args = [
    "--progress=plain",
    `--metadata-file=${metadata}`,
    "--output",
    `type=oci,dest=${tar},rewrite-timestamp=true`,
  ];
  const env = { SOURCE_DATE_EPOCH: String(epoch) };
  const done = await engine.polyarch(["build", ...args, await context(seconds)], { env });
  assert.equal(done.code, 0, done.stderr);
  return { digest: String((await readMetadata(metadata))["containerimage.digest"]), tar };
}

suite("SOURCE_DATE_EPOCH with rewrite-timestamp=true", () => {
  test("gives the same image on engines that share nothing, with no time behind it", {
    skip: differs("compares two of our engines"),
  }, async () => {
    const one = await built(house, 1_700_000_000);
    const two = await built(other, 1_710_000_000);
    assert.equal(one.digest, two.digest);

    const { created, history } = (await imageConfig(`oci-archive:${one.tar}`)) as unknown as {
      created: string;
      history: { created: string; created_by?: string }[];
    };
    assert.equal(created, "2021-01-01T00:00:00Z");
    const own = history.slice(-4);
    assert.ok(
      own.every((entry) => entry.created === "2021-01-01T00:00:00Z"),
      JSON.stringify(own),
    );

    const unpacked = join(scratch, "unpacked");
    await must("skopeo", ["copy", "--quiet", `oci-archive:${one.tar}`, `dir:${unpacked}`]);
    const { layers } = JSON.parse(await readFile(join(unpacked, "manifest.json"), "utf8")) as {
      layers: { digest: string }[];
    };
    const times = new Map<string, string>();
    for (const { digest } of layers.slice(1)) {
      for (const [path, line] of await listTar(join(unpacked, digest.slice("sha256:".length)))) times.set(path, line);
    }
    assert.match(times.get("files/word") ?? "", /2021-01-01 00:00:00/);
    assert.match(times.get("files/old") ?? "", /2001-09-09 01:46:40/);
    assert.match(times.get("made") ?? "", /2021-01-01 00:00:00/);
  });
});
