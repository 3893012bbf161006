import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { suite, test } from "node:test";
import { startEngine } from "../lab/mod.ts";
import { openHouse, differs } from "./harness.ts";
import { stepNamed } from "./progress-text.ts";

const house = await openHouse();

/** What the last RUN of a Dockerfile prints. */
async function said(lines: string, args: readonly string[] = []): Promise<readonly string[]> {
  const context = await house.context({ Dockerfile: `FROM ${house.base}\n${lines}\n`, "dir/word": "word\n" });
  const { stderr } = await house.build(context, ["--no-cache", ...args]);
  const steps = lines.split("\n").filter((line) => /^(RUN|COPY)/.test(line)).length + 1;
  return stepNamed(stderr, `${steps}/${steps}] RUN `).log;
}

suite("mounts of a RUN", () => {
  test("bind shows the context or a stage, and keeps nothing that is written", async () => {
    const write = "RUN --mount=type=bind,target=/c,rw cat /c/dir/word; echo new > /c/dir/word; cat /c/dir/word";
    assert.deepEqual(await said(write), ["word", "new"]);
    assert.deepEqual(await said("RUN --mount=type=bind,source=dir,target=/c touch /c/x 2>/dev/null || ls /c"), [
      "word",
    ]);
    const context = await house.context({
      Dockerfile: `FROM ${house.base}\nRUN --mount=type=bind,target=/made/here,rw touch /made/here/x /kept\n`,
    });
    const listed = await house.listed(context);
    assert.ok(listed.has("kept"));
    assert.ok(!listed.has("made/here/x"));
  });

  test("cache outlives a step, with the mode and owner that are asked for", async () => {
    const mount = "--mount=type=cache,target=/c,id=some,uid=7,gid=8,mode=0750";
    const lines = `RUN ${mount} echo kept > /c/x\nRUN ${mount} cat /c/x; stat -c '%a %u %g' /c`;
    // Without --no-cache, which has caches start empty.
    const context = await house.context({ Dockerfile: `FROM ${house.base}\n${lines}\n` });
    const { stderr } = await house.build(context);
    assert.deepEqual(stepNamed(stderr, "3/3] RUN ").log, ["kept", "750 7 8"]);
  });

  test("tmpfs is empty, and as large as is said", async () => {
    assert.deepEqual(await said("RUN --mount=type=tmpfs,target=/t,size=1m df -k /t | awk 'NR==2 {print $2}'"), [
      "1024",
    ]);
  });
});

suite("surroundings of a RUN", () => {
  test("are as the flags say", async () => {
    const args = ["--add-host", "some.example:192.0.2.1", "--shm-size", "2m", "--ulimit", "nofile=100:200"];
    const script = "grep some.example /etc/hosts; df -k /dev/shm | awk 'NR==2 {print $2}'; ulimit -Sn; ulimit -Hn";
    assert.deepEqual(await said(`RUN ${script}`, args), ["192.0.2.1\tsome.example", "2048", "100", "200"]);
  });

  const refused = differs("has no network but the machine's here");
  test("have no network where none is wanted, and the machine's where that is allowed", { skip: refused }, async () => {
    const devices = "ls /sys/class/net | tr '\\n' ' '; echo";
    assert.deepEqual(await said(`RUN --network=none ${devices}`), ["lo "]);
    assert.deepEqual(await said(`RUN ${devices}`, ["--network", "none"]), ["lo "]);
    const namespace = "RUN --network=host readlink /proc/self/ns/net";
    assert.match((await said(namespace, ["--allow", "network.host"]))[0] ?? "", /^net:/);
    const context = await house.context({ Dockerfile: `FROM ${house.base}\n${namespace}\n` });
    assert.match((await house.fails(context)).stderr, /network\.host is not allowed/);
  });

  test("are not loosened without being allowed", {
    skip: differs("in the labs version of the frontend only"),
  }, async () => {
    const context = await house.context({ Dockerfile: `FROM ${house.base}\nRUN --security=insecure true\n` });
    assert.match((await house.fails(context)).stderr, /security\.insecure is not allowed/);
    const asked = await house.fails(context, ["--allow", "security.insecure"]);
    assert.match(asked.stderr, /security\.insecure is not allowed by build daemon configuration/);
    assert.match((await house.fails(context, ["--allow", "all"])).stderr, /unknown entitlement all/);
  });

  const own = { skip: differs("about our own engine") };
  test("are loosened where both the engine and the build allow it, for that step and no other", own, async () => {
    const socket = join(await house.directory(), "engine.sock");
    await using _engine = await startEngine([
      `--addr=unix://${socket}`,
      "--allow-insecure-entitlement=security.insecure",
    ]);
    const tried =
      "mkdir -p /m; mount -t tmpfs none /m 2>/dev/null && echo mounted || echo refused; grep -E 'CapEff|Seccomp:' /proc/self/status";
    const device = "test -c /dev/loop-control && echo loops";
    const context = await house.context({
      Dockerfile: `FROM ${house.base}\nRUN --security=insecure ${tried}; ${device}\nRUN ${tried}\n`,
    });
    const options = { env: { POLYARCH_SOCKET: socket } };
    const { stderr } = await house.build(context, ["--allow", "security.insecure"], options);
    const insecure = stepNamed(stderr, "2/3] RUN ").log;
    assert.deepEqual([insecure[0], insecure[2], insecure[3]], ["mounted", "Seccomp:\t0", "loops"]);
    // All that the engine may itself: the right to administer the system above all.
    const capabilities = BigInt(`0x${insecure[1]?.split(/\s+/)[1]}`);
    const engines = /^CapEff:\s+(\w+)$/m.exec(await readFile("/proc/self/status", "utf8"))?.[1];
    assert.equal(capabilities, BigInt(`0x${engines}`));
    assert.ok((capabilities & (1n << 21n)) !== 0n);
    const sandbox = stepNamed(stderr, "3/3] RUN ").log;
    assert.deepEqual(sandbox, ["refused", "CapEff:\t00000000a80425fb", "Seccomp:\t2"]);
    assert.match((await house.fails(context, [], options)).stderr, /security\.insecure is not allowed/);
  });

  test("show proxies that neither history nor cache know", async () => {
    const context = await house.context({ Dockerfile: `FROM ${house.base}\nRUN echo $HTTP_PROXY $http_proxy > /p\n` });
    const config = await house.configOf(context, ["--build-arg", "HTTP_PROXY=http://proxy.example"]);
    assert.ok(!JSON.stringify(config).includes("proxy.example"));
    const again = await house.build(context, ["--build-arg", "HTTP_PROXY=http://other.example"]);
    assert.match(again.stderr, /RUN echo .*\n#\d+ CACHED/);
  });
});
