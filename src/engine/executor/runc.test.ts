import assert from "node:assert/strict";
import { existsSync, mkdirSync, rmdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { testsWithBed } from "./testing/mod.ts";

await testsWithBed(
  import.meta.url,
  (bed) => {
    test("runc runs processes where crun is missing", async () => {
      const { stdout, code } = await bed.run("echo out; grep Seccomp: /proc/self/status; pwd; exit 3", {
        cwd: "/new",
        user: "ada",
      });
      assert.deepEqual({ stdout, code }, { stdout: "out\nSeccomp:\t2\n/new\n", code: 3 });
    });

    test("failures have the same words and codes", async () => {
      for (const [args, code, stderr] of [
        [["/bin/none"], 127, "exec /bin/none: no such file or directory\n"],
        [["none"], 127, "exec none: executable file not found in $PATH: no such file or directory\n"],
        [["/etc/passwd"], 126, "exec /etc/passwd: permission denied\n"],
      ] as const) {
        const result = await bed.run(args);
        assert.deepEqual({ code: result.code, stderr: result.stderr }, { code, stderr });
      }
    });

    test("an abort leaves nothing", async () => {
      const controller = new AbortController();
      const options = { signal: controller.signal, onOutput: () => controller.abort(new Error("enough")) };
      await assert.rejects(bed.run("echo; sleep 1000", options), { message: "enough" });
    });

    test("foreign programs join the namespace of the emulators", async () => {
      const found = (await bed.executor.platforms()).find(({ how }) => how === "private");
      if (!found) return;
      // The root's programs are this machine's: they run in the namespace as well.
      assert.equal((await bed.run("exit 4", { platform: found.platform })).code, 4);
    });

    const memory = "/sys/fs/cgroup/.machine/memory";
    test("lack of memory is noticed", {
      skip: existsSync(memory) ? false : "no memory cgroup of version 1",
    }, async () => {
      const cgroupParent = `polyarch-test-${process.pid}`;
      mkdirSync(join(memory, cgroupParent));
      try {
        writeFileSync(join(memory, cgroupParent, "memory.limit_in_bytes"), String(48 << 20));
        const { code, oomKilled } = await bed.run("tail /dev/zero | cat; exit 0", { cgroupParent });
        assert.deepEqual({ code, oomKilled }, { code: 0, oomKilled: true });
      } finally {
        rmdirSync(join(memory, cgroupParent));
      }
    });
  },
  { runtimes: ["runc"], machineEmulators: false },
);
