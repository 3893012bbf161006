import assert from "node:assert/strict";
import {
  existsSync,
  globSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { architectures, exitProgram } from "../../binfmt/mod.ts";
import { currentPlatform, formatPlatform } from "../../oci/mod.ts";
import { findBusybox, makeRoot, testsWithBed } from "./testing/mod.ts";

const native = formatPlatform(currentPlatform());
const mips64le = architectures.find(({ name }) => name === "mips64le") ?? assert.fail();

await testsWithBed(import.meta.url, (bed) => {
  const { directory, lower } = bed;

  test("a process prints to both streams and ends with its own code", async () => {
    const { code, oomKilled, stdout, stderr } = await bed.run("echo out; echo err >&2; exit 7");
    assert.deepEqual(
      { code, oomKilled, stdout, stderr },
      { code: 7, oomKilled: false, stdout: "out\n", stderr: "err\n" },
    );
    assert.equal((await bed.run("sh -c 'kill -15 $$'; exit $?")).code, 143);
  });

  test("output is passed byte for byte, in order, however much it is", async () => {
    const { stdout } = await bed.run("i=0; while [ $i -lt 20000 ]; do echo $i; i=$((i+1)); done");
    assert.equal(stdout, Array.from({ length: 20000 }, (_, i) => `${i}\n`).join(""));
  });

  test("environment, host name, hosts and limits are BuildKit's defaults, or what was asked for", async () => {
    const { stdout } = await bed.run("env; pwd; hostname; cat /etc/hosts; ulimit -n; umask", {
      env: ["A=1"],
      extraHosts: [{ host: "db", ip: "10.0.0.7" }],
    });
    for (const line of [
      "A=1",
      "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
      "HOME=/root",
      "buildkitsandbox",
      "127.0.0.1\tlocalhost buildkitsandbox",
      "10.0.0.7\tdb",
      "1024",
      "0022",
    ]) {
      assert.ok(stdout.split("\n").includes(line), `${line} in ${stdout}`);
    }
    const ulimits = [
      { name: "nofile", soft: 77, hard: 99 },
      { name: "core", soft: -1, hard: -1 },
    ];
    const own = await bed.run("ulimit -n; ulimit -Hn; ulimit -c; hostname; echo $PATH $HOME", {
      ulimits,
      hostname: "mine",
      env: ["PATH=/bin", "HOME=/x"],
    });
    assert.equal(own.stdout, "77\n99\nunlimited\nmine\n/bin /x\n");
    await assert.rejects(bed.run("true", { ulimits: [{ name: "none", soft: 1, hard: 1 }] }), {
      code: "invalid_argument",
    });
  });

  test("a missing working directory is made and stays, mount points do not", async () => {
    const { stdout, changed } = await bed.run("pwd", { cwd: "/work/deep" });
    assert.equal(stdout, "/work/deep\n");
    assert.deepEqual(
      changed.filter((name) => name !== "etc"),
      ["work", "work/deep"],
    );
  });

  test("directories above mount points stay where that is asked for", async () => {
    const mounts = [{ type: "tmpfs", target: "/above/below/tmp" }] as const;
    const left = async (options: object) =>
      (await bed.run("touch /above/below/tmp/x", { mounts, ...options })).changed.filter((name) => name !== "etc");
    assert.deepEqual(await left({}), []);
    assert.deepEqual(await left({ keepsMountParents: true }), ["above", "above/below"]);
  });

  test("users are looked up in the image, with their groups and home", async () => {
    assert.equal(
      (await bed.run("id -u; id -g; id -G; echo $HOME", { user: "ada" })).stdout,
      "1000\n100\n100 10\n/home/ada\n",
    );
    assert.equal((await bed.run("id -u; id -g; id -G", { user: "7:8" })).stdout, "7\n8\n8\n");
    assert.equal((await bed.run("id -G")).stdout, "0 10\n");
    const message = "unable to find user eve: no matching entries in passwd file";
    await assert.rejects(bed.run("true", { user: "eve" }), { code: "invalid_argument", message });
  });

  test("an image's links cannot make us read the machine's own users", async () => {
    const root = otherRoot("trap");
    symlinkSync("../../../../../../../../etc/passwd", join(root, "etc/passwd"));
    const message = "unable to find user daemon: no matching entries in passwd file";
    await assert.rejects(bed.runIn(root, "true", { user: "daemon" }), { message });
  });

  test("a sandbox holds: capabilities, system calls, devices, masked paths", async () => {
    const { stdout } = await bed.run(`
      grep -E '^(CapBnd|CapEff|Seccomp):' /proc/self/status
      mount -t tmpfs t /tmp 2>/dev/null || echo no mount
      unshare -U true 2>/dev/null || echo no namespace
      mknod /tmp/disk b 8 0 && { head -c 1 /tmp/disk 2>/dev/null || echo no device; }
      mknod /tmp/null c 1 3 && echo x > /tmp/null && echo null
      echo 1 > /proc/sys/kernel/sysrq 2>/dev/null || echo no sysctl
      wc -c < /proc/keys; ls /sys/firmware | wc -l; echo $(ls /dev)`);
    assert.deepEqual(stdout.split("\n"), [
      "CapEff:\t00000000a80425fb",
      "CapBnd:\t00000000a80425fb",
      "Seccomp:\t2",
      "no mount",
      "no namespace",
      "no device",
      "null",
      "no sysctl",
      "0",
      "0",
      "core fd full mqueue null ptmx pts random shm stderr stdin stdout tty urandom zero",
      "",
    ]);
  });

  test("security=insecure lets a process mount and see everything", async () => {
    const command =
      "mount -t tmpfs t /tmp && echo mounted; test -e /dev/fuse && echo fuse; grep Seccomp: /proc/self/status";
    assert.equal((await bed.run(command, { security: "insecure" })).stdout, "mounted\nfuse\nSeccomp:\t0\n");
  });

  test("mounts appear at their places, parents first, and leave nothing behind", async () => {
    const source = join(directory, "source");
    mkdirSync(source);
    writeFileSync(join(source, "file"), "content");
    const { stdout, changed } = await bed.run(
      "cat /a/b/c/file /a/single; touch /a/b/c/new 2>/dev/null || echo read-only; touch /a/tmp/x; stat -c %a /a/tmp; touch /w/written; echo $(ls relative)",
      {
        mounts: [
          { type: "bind", source, target: "/a/b/c", readonly: true },
          { type: "tmpfs", target: "/a/tmp", sizeBytes: 1 << 20, mode: 0o700 },
          { type: "bind", source: join(source, "file"), target: "/a/single", readonly: true },
          { type: "bind", source, target: "/w", readonly: false },
          { type: "bind", source, target: "relative", readonly: true },
        ],
        cwd: "/tmp",
      },
    );
    assert.equal(stdout, "contentcontentread-only\n700\nfile written\n");
    assert.ok(existsSync(join(source, "written")));
    assert.deepEqual(
      changed.filter((name) => name !== "etc" && name !== "tmp"),
      [],
    );
  });

  test("directories keep their times although mount points were made in them, unless the process changes them", async () => {
    const root = otherRoot("times");
    const changedAt = () => lstatSync(join(root, "etc"), { bigint: true }).mtimeNs;
    const before = changedAt();
    await bed.runIn(root, "true");
    assert.equal(changedAt(), before);
    await bed.runIn(root, "touch /etc/new");
    assert.ok(changedAt() > before);
    assert.deepEqual(readdirSync(join(root, "etc")), ["new"]);
  });

  test("a link that leads nowhere becomes a mount point inside of the root", async () => {
    const root = otherRoot("dangling");
    symlinkSync("../run/systemd/resolve/stub-resolv.conf", join(root, "etc/resolv.conf"));
    const { code, stdout } = await bed.runIn(root, "cat /etc/resolv.conf");
    assert.equal(code, 0);
    assert.match(stdout, /nameserver/);
    assert.ok(!existsSync(join(root, "run")));
  });

  test("a read-only root is one", async () => {
    const command = "touch /x 2>/dev/null || echo refused; touch /dev/shm/x && echo memory";
    assert.equal((await bed.run(command, { readonlyRootfs: true })).stdout, "refused\nmemory\n");
  });

  test("network none has nothing but a loopback device that is up", async () => {
    const { stdout } = await bed.run("cat /proc/net/dev /sys/class/net/lo/flags", { network: "none" });
    assert.deepEqual(
      [...stdout.matchAll(/^\s*((?:lo|eth|en|wl|docker)\w*):/gm)].map(([, name]) => name),
      ["lo"],
    );
    assert.match(stdout, /\n0x9\n$/);
    const host = await bed.run("cat /proc/net/dev", { network: "host" });
    assert.equal(host.stdout.split("\n").length, readFileSync("/proc/net/dev", "utf8").split("\n").length);
  });

  for (const [what, args, code, words] of [
    ["a missing program", ["/bin/none"], 127, "exec /bin/none: no such file or directory\n"],
    [
      "a name that no directory has",
      ["none"],
      127,
      "exec none: executable file not found in $PATH: no such file or directory\n",
    ],
    ["a file that is no program", ["/etc/passwd"], 126, "exec /etc/passwd: permission denied\n"],
    [
      "a script without its interpreter",
      ["/script"],
      127,
      "exec /script: no such file or directory: /script is a script for /bin/none, which is not in this image: install it there, or change the script's first line\n",
    ],
    [
      "a program of no known format",
      ["/garbage"],
      126,
      "exec /garbage: exec format error: /garbage is no program, and no script either: its first line does not name an interpreter (#!/bin/sh)\n",
    ],
    [
      "an empty file",
      ["/empty"],
      126,
      "exec /empty: exec format error: /empty is empty: copy it again from where it was made\n",
    ],
    [
      "a program of another architecture",
      ["foreign"],
      126,
      `exec foreign: exec format error: /bin/foreign is a program for linux/mips64le, but this is a container for ${native}: build it for ${native}, take a base image that is really for ${native}, ask for linux/mips64le (--platform linux/mips64le), or have such programs emulated (polyarch binfmt --install mips64le; Debian, Ubuntu: apt-get install qemu-user-static)\n`,
    ],
  ] as const) {
    test(`${what} ends as in a shell`, async () => {
      writeFileSync(join(lower, "script"), "#!/bin/none\n", { mode: 0o755 });
      writeFileSync(join(lower, "garbage"), Uint8Array.of(1, 2, 3, 4), { mode: 0o755 });
      writeFileSync(join(lower, "empty"), "", { mode: 0o755 });
      writeFileSync(join(lower, "bin/foreign"), exitProgram(mips64le), { mode: 0o755 });
      const result = await bed.run(args);
      assert.deepEqual({ code: result.code, stderr: result.stderr }, { code, stderr: words });
    });
  }

  test("a shell that starts a program of another architecture is explained", async () => {
    writeFileSync(join(lower, "bin/foreign"), exitProgram(mips64le), { mode: 0o755 });
    writeFileSync(join(lower, "broken"), "\x7fELF", { mode: 0o755 });
    for (const command of ["foreign", "cd /bin && ./foreign; exit 9", "cat /none; /bin/foreign"]) {
      const { stderr } = await bed.run(command);
      assert.match(
        stderr,
        /^hint: \/bin\/foreign is a program for linux\/mips64le, but this is a container for /m,
        command,
      );
    }
    assert.match((await bed.run("/broken")).stderr, /^hint: \/broken is a program that breaks off in its header/m);
    // What has nothing to do with that is left alone.
    for (const command of ["cat /bin/none", "none", "exit 126", "exit 132"]) {
      assert.doesNotMatch((await bed.run(command)).stderr, /hint/, command);
    }
  });

  const memory = "/sys/fs/cgroup/.machine/memory";
  const noMemory = existsSync(memory) ? false : "no memory cgroup of version 1";
  for (const cgroupParent of [undefined, `polyarch-test-limits-${process.pid}`]) {
    test(`limits are kept, ${cgroupParent ? "below somebody else's cgroup, too" : "in our own cgroups"}`, async () => {
      const parent = cgroupParent ? { cgroupParent } : {};
      const little = { memoryBytes: 32 << 20, memorySwapBytes: 32 << 20 };
      const hungry = "dd if=/dev/zero of=/dev/null bs=64M count=1";
      const killed = await bed.run(hungry, { ...parent, resources: little });
      assert.deepEqual({ code: killed.code, oomKilled: killed.oomKilled }, { code: 137, oomKilled: true });
      const more = await bed.run(hungry, { ...parent, resources: { memoryBytes: 256 << 20, memorySwapBytes: -1 } });
      assert.deepEqual({ code: more.code, oomKilled: more.oomKilled }, { code: 0, oomKilled: false });
      const cpu = { cpuShares: 512, cpuPeriodUs: 50_000, cpuQuotaUs: 20_000, cpusetCpus: "0", cpusetMems: "0" };
      let seen: readonly string[] = [];
      const { code, stdout } = await bed.run("grep allowed_list: /proc/self/status; echo ready; sleep 0.3", {
        ...parent,
        resources: cpu,
        onOutput: (text) => {
          if (text.includes("ready")) seen = cpuLimits();
        },
      });
      assert.equal(code, 0);
      assert.match(stdout, /^Cpus_allowed_list:\s+0\nMems_allowed_list:\s+0$/m);
      assert.ok(seen.includes("20000 50000"), seen.join(", "));
      // With cgroups of version 2 it stays: it might be somebody else's.
      if (cgroupParent && existsSync(`/sys/fs/cgroup/${cgroupParent}`)) rmdirSync(`/sys/fs/cgroup/${cgroupParent}`);
    });
  }

  test("limits that the kernel refuses are said before anything runs", { skip: noMemory }, async () => {
    const resources = { cpusetCpus: "4000" };
    await assert.rejects(bed.run("true", { resources }), {
      code: "failed_precondition",
      message: /^this machine cannot limit what a step uses as asked for: /,
    });
    assert.equal((await bed.run("true")).code, 0);
  });

  test("a process killed for lack of memory is told from one that failed", { skip: noMemory }, async () => {
    const cgroupParent = `polyarch-test-${process.pid}`;
    mkdirSync(join(memory, cgroupParent));
    try {
      writeFileSync(join(memory, cgroupParent, "memory.limit_in_bytes"), String(48 << 20));
      const { code, oomKilled } = await bed.run("tail /dev/zero", { cgroupParent });
      assert.deepEqual({ code, oomKilled }, { code: 137, oomKilled: true });
      const hidden = await bed.run("tail /dev/zero | cat; exit 0", { cgroupParent });
      assert.deepEqual({ code: hidden.code, oomKilled: hidden.oomKilled }, { code: 0, oomKilled: true });
      assert.equal((await bed.run("true", { cgroupParent })).oomKilled, false);
    } finally {
      rmdirSync(join(memory, cgroupParent));
    }
  });

  function otherRoot(name: string): string {
    const root = join(directory, name);
    makeRoot(root, findBusybox() ?? assert.fail());
    return root;
  }
});

/** Quota and period of every cgroup that has a quota. */
function cpuLimits(): readonly string[] {
  const read = (path: string) => readFileSync(path, "utf8").trim();
  const v1 = globSync("/sys/fs/cgroup/.machine/cpu/polyarch*/test-*/cpu.cfs_quota_us").map(
    (quota) => `${read(quota)} ${read(quota.replace("quota", "period"))}`,
  );
  return [...v1, ...globSync("/sys/fs/cgroup/polyarch*/*/test-*/cpu.max").map(read)];
}
