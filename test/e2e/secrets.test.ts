import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { suite, test } from "node:test";
import { must, run, startDocker, unpackBuildx } from "../lab/mod.ts";
import { openHouse, differs } from "./harness.ts";
import { stepNamed } from "./progress-text.ts";

const house = await openHouse();
/** Nothing else on this machine has these bytes. */
const value = `secret-${randomBytes(16).toString("hex")}`;
const file = join(await house.directory(), "word");
await writeFile(file, value);
const digest = (await must("sh", ["-c", `sha256sum < ${file}`])).trim().split(" ")[0] ?? "";
const given = ["--secret", `id=word,src=${file}`];

/** What one RUN with these flags prints. */
async function said(flags: string, command: string, args: readonly string[] = given): Promise<readonly string[]> {
  const context = await house.context({ Dockerfile: `FROM ${house.base}\nRUN ${flags} ${command}\n` });
  const { stderr } = await house.build(context, ["--no-cache", ...args], { env: { FROM_ENV: value } });
  return stepNamed(stderr, "2/2] RUN ").log;
}
const sum = "sha256sum < /run/secrets/word | cut -d' ' -f1";

suite("RUN --mount=type=secret", () => {
  test("is a file that root alone reads, unless it says otherwise", async () => {
    assert.deepEqual(await said("--mount=type=secret,id=word", `${sum}; stat -c '%a %u %g' /run/secrets/word`), [
      digest,
      "400 0 0",
    ]);
    const flags = "--mount=type=secret,id=word,target=/etc/word,mode=0440,uid=7,gid=8";
    assert.deepEqual(await said(flags, "sha256sum < /etc/word; stat -c '%a %u %g' /etc/word"), [
      `${digest}  -`,
      "440 7 8",
    ]);
  });

  test("is a variable", async () => {
    const shown = "printf %s $WORD | sha256sum; ls /run/secrets 2>&1 | wc -l";
    const [first = ""] = await said("--mount=type=secret,id=word,env=WORD", shown);
    assert.equal(first, `${digest}  -`);
  });

  test("comes from a variable of the client, said or not, or from a file of its name", async () => {
    for (const secret of ["id=word,env=FROM_ENV", "id=word,type=env,src=FROM_ENV"]) {
      assert.deepEqual(await said("--mount=type=secret,id=word", sum, ["--secret", secret]), [digest]);
    }
    const named = "sha256sum < /run/secrets/FROM_ENV | cut -d' ' -f1";
    assert.deepEqual(await said("--mount=type=secret,id=FROM_ENV", named, ["--secret", "id=FROM_ENV"]), [digest]);
  });

  test("may be missing, unless it is required", async () => {
    assert.deepEqual(await said("--mount=type=secret,id=none", "ls /run/secrets/none 2>/dev/null || echo none"), [
      "none",
    ]);
    const context = await house.context({
      Dockerfile: `FROM ${house.base}\nRUN --mount=type=secret,id=none,required=true true\n`,
    });
    assert.match((await house.fails(context, given)).stderr, /secret none: not found/);
    assert.match((await house.fails(context)).stderr, /secret none: not found/);
  });

  test("is nowhere when the build is over, and does not decide what is built again", async () => {
    const flags = "--mount=type=secret,id=word --mount=type=secret,id=word,env=WORD";
    const context = await house.context({
      Dockerfile: `FROM ${house.base}\nRUN ${flags} ${sum} > /sum; head -c 8 /dev/urandom > /chance\n`,
    });
    const image = `oci-archive:${join(await house.directory(), "image.tar")}`;
    const args = ["--output", `type=oci,dest=${image.slice("oci-archive:".length)}`, "--metadata-file", `${context}/m`];
    const { stderr, stdout } = await house.build(context, [...args, ...given]);
    assert.ok(!`${stderr}${stdout}`.includes(value));
    const layout = join(await house.directory(), "layout");
    await must("skopeo", ["copy", image, `dir:${layout}`]);
    const search = `for f in ${layout}/*; do (zcat "$f" 2>/dev/null || cat "$f") | grep -c ${value}; done; true`;
    assert.doesNotMatch(await must("sh", ["-c", search]), /[1-9]/);
    const found = await run("grep", ["-r", "-l", "--binary-files=text", value, house.root, context]);
    assert.equal(found.stdout, "");
    const first = await readFile(join(await house.exported(context, given), "chance"));
    const other = join(await house.directory(), "other");
    await writeFile(other, "another value");
    const again = await house.exported(context, ["--secret", `id=word,src=${other}`]);
    assert.deepEqual(await readFile(join(again, "chance")), first);
    assert.equal((await readFile(join(again, "sum"), "utf8")).trim(), digest);
    const listed = await house.listed(context, given);
    assert.ok(!listed.has("run/secrets/word"));
    assert.ok(!listed.has("run/secrets"));
  });

  test("is refused before anything is built where it makes no sense", async () => {
    const context = await house.context({ Dockerfile: `FROM ${house.base}\n` });
    await writeFile(join(context, "large"), Buffer.alloc(500 * 1024 + 1));
    const cases: readonly (readonly [string, RegExp])[] = [
      ["id=word,src=nowhere", /failed to stat .*nowhere/],
      [`id=word,src=${context}/large`, /secret word too big\. max size 500KB/],
      [`src=${file}`, /secret missing ID/],
      ["id=word,type=socket", /unsupported secret type "socket"/],
      ["id=word,mode=1", /unexpected key 'mode' in 'mode=1'/],
      ["word", /invalid field 'word' must be a key=value pair/],
    ];
    for (const [secret, complaint] of cases) {
      assert.match((await house.fails(context, ["--secret", secret])).stderr, complaint);
    }
  });
});

suite("secrets between two implementations", () => {
  const dockerfile = `FROM ${house.base}\nRUN --mount=type=secret,id=word --mount=type=secret,id=word,env=WORD ${sum} > /sum\n`;

  test("docker buildx gives its to our engine", { skip: differs("about our own engine") }, async () => {
    const context = await house.context({ Dockerfile: dockerfile });
    const buildx = await unpackBuildx();
    const env = { ...house.env, BUILDX_CONFIG: await house.directory() };
    await house.build(context, given);
    await must(buildx, ["create", "--name", "ours", "--driver", "remote", `unix://${house.socket}`, "--use"], { env });
    const dest = await house.directory();
    await must(buildx, ["build", "--no-cache", ...given, "-o", `type=local,dest=${dest}`, context], { env });
    assert.equal((await readFile(join(dest, "sum"), "utf8")).trim(), digest);
  });

  test("our client gives its to the Docker Engine", async (t) => {
    const docker = await startDocker("sid");
    t.after(() => docker[Symbol.asyncDispose]());
    const context = await house.context({ Dockerfile: dockerfile });
    const dest = await house.directory();
    const args = ["build", "--builder=default", "--network=host", ...given, "-o", `type=local,dest=${dest}`, context];
    const done = await house.polyarch(args, { env: docker.env });
    assert.equal(done.code, 0, done.stderr);
    assert.equal((await readFile(join(dest, "sum"), "utf8")).trim(), digest);
  });
});
