import assert from "node:assert/strict";
import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { suite, test } from "node:test";
import { openHouse } from "./harness.ts";

const house = await openHouse();
const { host } = house.registry;
const other = `${host}/other:1`;
await house.build(await house.context({ Dockerfile: `FROM ${house.base}\nRUN echo other > /which\n` }), [
  "--push",
  "-t",
  other,
]);
const context = await house.context({
  Dockerfile: `
    FROM example.invalid/app:1
    RUN cat /which > /out
  `,
});
/** The environment in which these rules hold. */
const withRules = async (...rules: readonly object[]) => {
  const path = join(await house.directory(), "policy.json");
  await writeFile(path, JSON.stringify({ version: 1, rules }));
  return { EXPERIMENTAL_BUILDKIT_SOURCE_POLICY: path };
};
const convert = {
  action: "CONVERT",
  selector: { identifier: "docker-image://example.invalid/*:1" },
  updates: { identifier: `docker-image://${host}/other:1` },
};
const deny = { action: "DENY", selector: { match_type: "REGEX", identifier: "^docker-image://.*/other" } };

suite("rules about sources", () => {
  test("have an image taken from elsewhere", async () => {
    const dest = await house.directory();
    await house.build(context, ["--output", `type=local,dest=${dest}`], { env: await withRules(convert) });
    assert.equal(await readFile(join(dest, "out"), "utf8"), "other\n");
  });

  test("forbid an image, at the line that names it, and whatever was converted", async () => {
    const named = await house.context({ Dockerfile: `FROM ${other}\n` });
    const { stderr } = await house.fails(named, [], { env: await withRules(deny) });
    assert.match(stderr, new RegExp(`source "docker-image://${other}" denied by policy: source denied by policy`));
    assert.match(stderr, /^ +1 \| >>> FROM /m);
    const converted = await house.fails(context, [], { env: await withRules(convert, deny) });
    assert.match(converted.stderr, /denied by policy: source denied by policy/);
  });

  test("pin what is fetched, and forbid addresses", async () => {
    const added = await house.context({ Dockerfile: `FROM scratch\nADD http://${host}/v2/ /x\n` });
    const pin = {
      action: "CONVERT",
      selector: { identifier: `http://${host}/v2/` },
      updates: { attrs: { "http.checksum": `sha256:${"0".repeat(64)}` } },
    };
    const wrong = await house.fails(added, [], { env: await withRules(pin) });
    assert.match(wrong.stderr, /digest mismatch sha256:[0-9a-f]{64}: sha256:0{64}/);
    const never = { action: "DENY", selector: { identifier: "http://*" } };
    const { stderr } = await house.fails(added, [], { env: await withRules(never) });
    assert.match(stderr, /error evaluating the source policy: source "http:\S+" denied by policy/);
  });

  test("pin an image, and take a part of its layers", async () => {
    const image = await house.context({
      Dockerfile: `FROM ${other}\nRUN test -e /which && touch /all || touch /part\n`,
    });
    const change = (attrs: Record<string, string>) => ({
      action: "CONVERT",
      selector: { identifier: `docker-image://${other}*` },
      updates: { identifier: `docker-image://${other}$1`, attrs },
    });
    const { stderr } = await house.fails(image, [], {
      env: await withRules(change({ "image.checksum": `sha256:${"0".repeat(64)}` })),
    });
    assert.match(stderr, /image digest sha256:[0-9a-f]{64} for \S+ does not match expected checksum sha256:0{64}/);
    const dest = await house.directory();
    const env = await withRules(change({ "image.layerlimit": "1" }));
    await house.build(image, ["--output", `type=local,dest=${dest}`], { env });
    assert.ok((await readdir(dest)).includes("part"));
    const none = await house.fails(image, [], { env: await withRules(change({ "image.layerlimit": "0" })) });
    assert.match(none.stderr, /invalid layer limit 0/);
  });

  test("that make no sense are told with their file, before anything is built", async () => {
    const env = await withRules({ action: "FORBID", selector: { identifier: "x" } });
    const { stderr } = await house.fails(context, [], { env });
    assert.match(
      stderr,
      /failed to read the source policy \S+policy\.json .*unknown action "FORBID", want ALLOW, DENY, CONVERT/,
    );
    const missing = { EXPERIMENTAL_BUILDKIT_SOURCE_POLICY: "/dev/null/nowhere" };
    assert.match((await house.fails(context, [], { env: missing })).stderr, /failed to read the source policy/);
  });

  test("are obeyed when docker buildx brings them", async () => {
    const dest = await house.directory();
    const args = ["build", "--output", `type=local,dest=${dest}`, context];
    const done = await house.buildx(args, { env: await withRules(convert) });
    assert.equal(done.code, 0, done.stderr);
    assert.equal(await readFile(join(dest, "out"), "utf8"), "other\n");
    const refused = await house.buildx(args, { env: await withRules(convert, deny) });
    assert.match(refused.stderr, /denied by policy: source denied by policy/);
  });
});
