import assert from "node:assert/strict";
import { existsSync, readdirSync } from "node:fs";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { must, serveFiles } from "../lab/mod.ts";
import { differs, openHouse } from "./harness.ts";
import { stepNamed } from "./progress-text.ts";

const house = await openHouse();
/** Where only what our engine says of itself is looked at. */
const ours = { skip: differs("what our own engine keeps, and where") };

interface DiskRecord {
  readonly ID: string;
  readonly Parents: readonly string[] | null;
  readonly Description: string;
  readonly Mutable: boolean;
  readonly Reclaimable: boolean;
  readonly Shared: boolean;
  readonly Size: string;
  readonly UsageCount: number;
  readonly Type: string;
}

/** A real docker buildx, which must do as it is told. */
async function buildx(...args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await house.buildx(args);
  assert.equal(code, 0, stderr);
  return stdout;
}

/** What a real `docker buildx du` says of our engine. */
async function du(...args: readonly string[]): Promise<readonly DiskRecord[]> {
  const told = await buildx("du", "--format", "json", ...args);
  return told
    .trim()
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as DiskRecord);
}

const prune = (...args: readonly string[]) => buildx("prune", "-f", ...args);
/** Bytes of `4.096kB`. */
function bytesOf(size: string): number {
  const [, number, unit = ""] = /^([\d.]+)([kMG]?)B$/.exec(size) ?? [];
  assert.ok(number !== undefined, size);
  return Number(number) * ({ "": 1, k: 1e3, M: 1e6, G: 1e9 }[unit] ?? Number.NaN);
}
const sizeOf = (records: readonly DiskRecord[]) => records.reduce((sum, { Size }) => sum + bytesOf(Size), 0);
const withoutId = (records: readonly DiskRecord[]) => records.map(({ Description }) => Description);

// Starts the engine.
before(async () => void (await house.build(await house.context({ Dockerfile: "FROM scratch\n" }))));

const project = (word: string) => ({
  Dockerfile: `
    FROM ${house.base}
    COPY data /data
    RUN --mount=type=cache,target=/cache echo making ${word}; head -c 300000 /dev/urandom | tee /made > /cache/made
  `,
  data: word.repeat(1000),
});

test("docker buildx du lists what builds have left, with real sizes, parents and types", ours, async () => {
  await house.exported(await house.context(project("one")));
  const records = await du();
  const run = records.find(
    ({ Description }) => Description.includes("making one") && !Description.includes("cached mount"),
  );
  assert.ok(run, withoutId(records).join("\n"));
  assert.equal(run.Type, "regular");
  assert.ok(bytesOf(run.Size) >= 300_000 && bytesOf(run.Size) < 400_000, run.Size);
  assert.deepEqual([run.Mutable, run.Reclaimable, run.Shared], [false, true, false]);
  assert.equal(run.UsageCount, 1);
  const copy = records.find(({ ID }) => run.Parents?.includes(ID));
  assert.match(copy?.Description ?? "", /COPY data/);
  const base = records.find(({ ID }) => copy?.Parents?.includes(ID));
  assert.match(base?.Description ?? "", /pulled from /);
  const types = new Map(records.map((record) => [record.Type, record]));
  assert.deepEqual([...types.keys()].toSorted(), ["exec.cachemount", "internal", "regular", "source.local"]);
  const cache = types.get("exec.cachemount");
  assert.match(cache?.Description ?? "", /^cached mount \/cache$/);
  assert.ok(cache?.Mutable && bytesOf(cache.Size) >= 300_000);
  const ids = records.map(({ ID }) => ID);
  assert.equal(new Set(ids).size, ids.length);
  const table = await buildx("du");
  assert.match(table, /^Reclaimable:\s+\S+B$/m);
  assert.match(table, /^Total:\s+\S+B$/m);

  // Everything on the disk is in some record: what du counts of the state is hardly more than what the records say.
  const [state = ""] = (
    await must("du", ["-s", "--block-size=1", "--exclude=*.db*", "--exclude=*.log", "--exclude=reserve", house.root])
  ).split("\t");
  const sum = sizeOf(records);
  assert.ok(Math.abs(Number(state) - sum) < 400_000, `${state} on disk, ${sum} in records`);
});

test("docker buildx du filters", ours, async () => {
  const all = await du();
  const only = await du("--filter", "type=exec.cachemount");
  assert.deepEqual(withoutId(only), withoutId(all.filter(({ Type }) => Type === "exec.cachemount")));
  const [one] = await du("--filter", `id=${all[0]?.ID}`);
  assert.equal(one?.ID, all[0]?.ID);
  assert.deepEqual(await du("--filter", "type=regular", "--filter", "mutable=true"), []);
  const mutable = await du("--filter", "mutable=true");
  assert.deepEqual(new Set(mutable.map(({ Type }) => Type)), new Set(["exec.cachemount", "source.local"]));
});

test("docker buildx prune removes what the filter says, and the next build makes it again", ours, async () => {
  const context = await house.context(project("two"));
  await house.exported(context);
  const before = await du();
  const said = await prune("--filter", "type=exec.cachemount");
  assert.match(said, /^Total:\s+\S+B$/m);
  const after = await du();
  assert.deepEqual(
    new Set(before.map(({ ID }) => ID)).difference(new Set(after.map(({ ID }) => ID))),
    new Set(before.filter(({ Type }) => Type === "exec.cachemount").map(({ ID }) => ID)),
  );
  const run = after.find(({ Description }) => Description.includes("making two"));
  // A record that others stand on stays; the last one goes.
  await prune("--filter", `id=${run?.Parents?.[0]}`);
  assert.equal((await du()).length, after.length);
  await prune("--filter", `id=${run?.ID}`);
  assert.equal((await du()).length, after.length - 1);
  const { stderr } = await house.build(context, ["-o", `type=local,dest=${await house.directory()}`]);
  assert.ok(stepNamed(stderr, "COPY data").cached, stderr);
  assert.ok(!stepNamed(stderr, "making two").cached, stderr);
});

test("docker buildx prune keeps what was used lately, and stops where it is told to", ours, async () => {
  await house.exported(await house.context(project("three")));
  const before = await du();
  await prune("--filter", "until=10m");
  assert.equal((await du()).length, before.length);
  await prune("--max-used-space", "1gb");
  assert.equal((await du()).length, before.length);
  await prune("--min-free-space", "1kb");
  assert.equal((await du()).length, before.length);
  const total = sizeOf(before);
  await prune("--max-used-space", String(Math.round(total - 400_000)));
  const after = sizeOf(await du());
  assert.ok(after <= total - 400_000 && after > 0, `${total} -> ${after}`);
});

test("docker buildx prune --all leaves nothing at all; what is built then is built anew", ours, async () => {
  const context = await house.context(project("four"));
  await house.exported(context);
  await prune();
  assert.deepEqual(withoutId(await du()), ["manifests and configurations of images"]);
  await prune("-a");
  assert.deepEqual(await du(), []);
  for (const place of [
    "content/blobs/sha256",
    "content/ingest",
    "layers/layers",
    "layers/tmp",
    "contexts/indexes",
    "trash",
  ])
    assert.deepEqual(readdirSync(join(house.root, place)), [], place);
  assert.deepEqual(readdirSync(join(house.root, "cache-mounts")), []);
  const out = await house.exported(context);
  assert.equal((await readFile(join(out, "data"), "utf8")).length, 4000);
});

test("a prune while builds run takes nothing that they hold", ours, async () => {
  // Its first stage is done and its last one waits while everything that may go is removed, again and again.
  const files: Record<string, string> = {};
  await using server = await serveFiles(files);
  const context = await house.context({
    Dockerfile: `
      FROM ${house.base} AS first
      RUN head -c 100000 /dev/urandom > /first

      FROM ${house.base}
      COPY --from=first /first /
      COPY data /data
      RUN until wget -q -O /dev/null ${server.address}/end; do sleep 0.2; done; cat /data /first > /both
      RUN cat /both > /again
    `,
    data: "held",
  });
  const building = house.exported(context);
  let ended = false;
  void building.finally(() => (ended = true)).catch(() => undefined);
  let rounds = 0;
  while (!ended) {
    await prune("-a");
    if (server.requests.length > 0) rounds++; // it waits
    if (rounds > 2) files["/end"] = "now";
  }
  const out = await building;
  const [data, first, again] = await Promise.all(["data", "first", "again"].map((name) => readFile(join(out, name))));
  assert.ok(data && first && again?.equals(Buffer.concat([data, first])));
});

test("an engine that is killed while it prunes starts again with what is left, all of it sound", ours, async () => {
  const contexts = await Promise.all(
    [1, 2].map((number) =>
      house.context({
        Dockerfile: `FROM ${house.base}\n${Array.from({ length: 10 }, (_, at) => `RUN head -c 200000 /dev/zero > /${number}-${at}`).join("\n")}\n`,
      }),
    ),
  );
  for (const context of contexts) await house.build(context);
  const pruning = buildx("prune", "-af").catch(() => undefined);
  while (readdirSync(join(house.root, "layers/layers")).length > 15) await new Promise((done) => setImmediate(done));
  await house.kill();
  await pruning;
  for (const context of contexts) await house.exported(context);
  const records = await du();
  const known = new Set(records.map(({ ID }) => ID));
  for (const { Parents, Description } of records)
    for (const parent of Parents ?? []) assert.ok(known.has(parent), `${Description} stands on what is there`);
  await prune("-a");
  assert.deepEqual(await du(), []);
  assert.deepEqual(readdirSync(join(house.root, "content/blobs/sha256")), []);
  assert.deepEqual(readdirSync(join(house.root, "layers/layers")), []);
});

test("a directory that was sent from elsewhere is a record, too, and is sent again after it was removed", async () => {
  const context = await house.context({ Dockerfile: "FROM scratch\nCOPY data /\n", data: "sent" });
  const dest = await house.directory();
  const build = () => buildx("build", "-o", `type=local,dest=${dest}`, context);
  await build();
  await writeFile(join(context, "data"), "sent again");
  await build();
  const received = (await du("--filter", "type=source.local")).filter(({ Description }) =>
    Description.startsWith("local source"),
  );
  assert.ok(received.length > 0 && received.every(({ Reclaimable }) => Reclaimable));
  await prune("--filter", "type=source.local");
  assert.ok(
    !existsSync(join(house.root, "contexts/received")) ||
      readdirSync(join(house.root, "contexts/received")).length === 0,
  );
  await build();
  assert.equal(await readFile(join(dest, "data"), "utf8"), "sent again");
});

test("after a build the engine itself removes cache mounts that nobody has used for two days", ours, async () => {
  await house.kill();
  const slots = ["stale", "fresh"].map((name) => join(house.root, "cache-mounts", name, "0"));
  const [stale = "", fresh = ""] = slots;
  for (const slot of slots) {
    await mkdir(join(slot, "data"), { recursive: true });
    await must("fallocate", ["-l", "300MB", join(slot, "data/blob")]);
  }
  await must("touch", ["-d", "3 days ago", stale]);
  await house.build(await house.context({ Dockerfile: "FROM scratch\n" }));
  const log = async () => await readFile(join(house.root, "polyarchd.log"), "utf8");
  const done = /garbage collection removed 1 records, 300\d{6} bytes/;
  for (let tries = 0; tries < 1200 && !done.test(await log()); tries++) await sleep(50);
  assert.match(await log(), done);
  assert.deepEqual([existsSync(stale), existsSync(fresh)], [false, true]);
  await prune("-a");
});

test("docker buildx inspect shows the policy of the garbage collection", ours, async () => {
  const told = await buildx("inspect");
  assert.match(
    told,
    /GC Policy rule#0:\n\s+All:\s+false\n\s+Filters:\s+type==source\.local type==exec\.cachemount type==source\.git\.checkout\n\s+Keep Duration:\s+48h0m0s\n\s+Max Used Space:\s+488\.3MiB/,
  );
  assert.match(told, /GC Policy rule#3:\n\s+All:\s+true/);
});
