import assert from "node:assert/strict";
import { test } from "node:test";
import { differs, openHouse } from "./harness.ts";
import { stepNamed } from "./progress-text.ts";

const house = await openHouse();

/** What a RUN prints, on this machine's own platform. */
async function said(command: string, before = "", args: readonly string[] = []): Promise<readonly string[]> {
  const context = await house.context({ Dockerfile: `FROM ${house.base}\n${before}\nRUN ${command}\n` });
  const { stderr } = await house.build(context, ["--no-cache", ...args]);
  const lines = before.split("\n").filter((line) => /^(RUN|COPY|WORKDIR)/.test(line)).length;
  return stepNamed(stderr, `${lines + 2}/${lines + 2}] RUN `).log;
}

test("RUN has the image's environment, the stage's arguments and a HOME", async () => {
  const before = "ENV WORD=env\nARG OTHER=arg";
  assert.deepEqual(await said('echo "$WORD $OTHER $HOME $PATH"', before), [
    "env arg /root /usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
  ]);
});

test("RUN stands in WORKDIR and is USER", async () => {
  assert.deepEqual(await said("pwd; id -u; id -g", "WORKDIR /some/where\nUSER daemon"), ["/some/where", "1", "1"]);
  assert.deepEqual(await said("id -u; id -g", "USER 1234:5678"), ["1234", "5678"]);
});

test("RUN in exec form starts no shell, SHELL changes the shell", async () => {
  assert.deepEqual(await said('["echo", "$HOME", "*"]'), ["$HOME *"]);
  assert.deepEqual(await said("false; echo not reached || true; exit 0", 'SHELL ["/bin/sh", "-c"]'), ["not reached"]);
  assert.deepEqual(await said("echo $0 $-", 'SHELL ["/bin/sh", "-u", "-c"]'), ["/bin/sh uc"]);
});

test("RUN finds proc, sys, dev and tmp as a container has them", async () => {
  const script = [
    "test -r /proc/self/status && echo proc",
    "test -d /sys/kernel && echo sys",
    "for d in null zero full random urandom tty; do test -c /dev/$d || echo no $d; done",
    "test -L /dev/fd && test -d /dev/pts && test -d /dev/shm && echo dev",
    "echo x > /tmp/x && cat /tmp/x",
    "touch /proc/sys/kernel/panic 2>/dev/null; echo 1 2>/dev/null > /proc/sys/kernel/panic || echo read-only",
    "test -s /etc/resolv.conf && echo resolv",
    "grep -q localhost /etc/hosts && echo hosts",
    "hostname",
  ].join("; ");
  assert.deepEqual(await said(script), ["proc", "sys", "dev", "x", "read-only", "resolv", "hosts", "buildkitsandbox"]);
});

test("what the engine lends to a RUN is not in the image", async () => {
  const context = await house.context({ Dockerfile: `FROM ${house.base}\nRUN echo x > /dev/shm/x; touch /made\n` });
  const listed = await house.listed(context);
  assert.ok(listed.has("made"));
  for (const path of ["etc/resolv.conf", "etc/hosts", "dev/null", "dev/shm/x", "proc/self"]) {
    assert.ok(!listed.has(path), `${path} is in the image`);
  }
});

test("RUN has the capabilities that BuildKit gives, and no more", async () => {
  const [line = ""] = await said("grep CapEff /proc/self/status");
  assert.equal(line.split(/\s+/)[1], "00000000a80425fb");
});

test("RUN is filtered by seccomp, and cannot mount", async () => {
  assert.deepEqual(
    await said("grep Seccomp: /proc/self/status; mkdir /m; mount -t tmpfs none /m 2>/dev/null || echo refused"),
    ["Seccomp:\t2", "refused"],
  );
});

test("what RUN removes is gone from the image", async () => {
  const context = await house.context({
    Dockerfile: `
      FROM ${house.base}
      RUN mkdir -p /d/sub && echo 1 > /d/one && echo 2 > /d/sub/two && echo 3 > /three
      RUN rm /three && rm -r /d/sub && echo new > /d/new
      RUN rm -rf /home && mkdir /home && echo fresh > /home/file
    `,
  });
  const image = `${house.registry.host}/removed:latest`;
  await house.build(context, ["-t", image, "--push"]);
  const { unpackImage, must } = await import("../lab/mod.ts");
  await using unpacked = await unpackImage(`docker://${image}`);
  const found = await must("sh", ["-c", "find d three home 2>/dev/null | sort"], { cwd: unpacked.rootfs });
  assert.deepEqual(found.trim().split("\n"), ["d", "d/new", "d/one", "home", "home/file"]);
});

test("stdout and stderr are both shown, each in its order", async () => {
  const lines = await said("echo one; echo error one >&2; echo two; echo error two >&2");
  assert.deepEqual(
    lines.filter((line) => !line.startsWith("error")),
    ["one", "two"],
  );
  assert.deepEqual(
    lines.filter((line) => line.startsWith("error")),
    ["error one", "error two"],
  );
});

test("a foreign platform's RUN sees the foreign machine", async () => {
  assert.deepEqual(await said("uname -m", "", ["--platform", "linux/s390x"]), ["s390x"]);
});

test("RUN reaches a server on this machine, over the host's network", async () => {
  const lines = await said(`wget -q -O - http://${house.registry.host}/v2/; echo; echo status $?`);
  assert.deepEqual(lines, ["{}", "status 0"]);
});

test("RUN uses no more than --resource allows, nor than the old flags", {
  skip: differs("the engine inside Docker does not know them"),
}, async () => {
  const allowed = "grep Cpus_allowed_list: /proc/self/status | tr -d '[:space:]'";
  for (const flags of [["--resource", "cpuset-cpus=0"], ["--cpuset-cpus=0"]]) {
    assert.deepEqual(await said(allowed, "", flags), ["Cpus_allowed_list:0"]);
  }
  const hungry = "dd if=/dev/zero of=/dev/null bs=64M count=1 2>&1";
  const context = await house.context({ Dockerfile: `FROM ${house.base}\nRUN ${hungry}\n` });
  for (const flags of [
    ["--resource=memory=32m", "--resource=memory-swap=32m"],
    ["-m", "32m", "--memory-swap=32m"],
  ]) {
    const { stderr } = await house.fails(context, flags);
    assert.match(stderr, /did not complete successfully: .*137/);
  }
  await house.build(context, ["--memory=256m", "--resource=memory-swap=-1", "-c", "512", "--cpu-quota=90000"]);
  const { stderr } = await house.fails(context, ["--resource=ram=1g"]);
  assert.match(stderr, /unknown resource "ram", expected one of memory, /);
});
