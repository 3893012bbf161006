import assert from "node:assert/strict";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync } from "node:fs";
import { test } from "node:test";
import { mountFs } from "../../../base/sys/mod.ts";
import { findBusybox, TestBed, testsWithBed } from "../testing/mod.ts";
import { parentPath } from "./cgroups.ts";

for (const [parent, path] of [
  [undefined, "/polyarch"],
  ["", "/polyarch"],
  ["builds", "/builds"],
  ["/a/b/", "/a/b"],
  ["../../x", "/x"],
  ["ci.slice", "/ci.slice"],
  ["ci-builds-big.slice:", "/ci.slice/ci-builds.slice/ci-builds-big.slice"],
] as const) {
  test(`parentPath() of ${parent} is ${path}`, () => assert.equal(parentPath(parent), path));
}

const root = "/sys/fs/cgroup";
const prepare = () => {
  if (!existsSync(`${root}/cgroup.controllers`)) mountFs("cgroup2", "cgroup2", root);
};

await testsWithBed(
  import.meta.url,
  (bed) => {
    test("with cgroups of version 2 a process has one of its own, and none is left", async () => {
      const { stdout, code } = await bed.run(
        "cat /proc/self/cgroup; grep -c cgroup2 /proc/mounts; mknod /tmp/d b 8 0 && cat /tmp/d || exit 5",
      );
      assert.match(stdout, /^0::\/$/m);
      assert.equal(code, 5, "the device must not open");
    });

    test("with cgroups of version 2 a parent takes the process in", async () => {
      const parent = `polyarch-test-${process.pid}`;
      mkdirSync(`${root}/${parent}`);
      const seen = bed.run("echo ready; cat", {
        cgroupParent: parent,
        onOutput: () =>
          assert.equal(
            readdirSync(`${root}/${parent}`, { withFileTypes: true }).filter((entry) => entry.isDirectory()).length,
            1,
          ),
      });
      assert.equal((await seen).code, 0);
      assert.deepEqual(
        readdirSync(`${root}/${parent}`, { withFileTypes: true }).filter((entry) => entry.isDirectory()),
        [],
      );
      rmdirSync(`${root}/${parent}`);
    });

    test("the engine's own parent takes in a process that names none", async () => {
      const [engines, steps] = [`polyarch-test-${process.pid}-engine`, `polyarch-test-${process.pid}-step`];
      for (const parent of [engines, steps]) mkdirSync(`${root}/${parent}`);
      const inside = (parent: string) =>
        readdirSync(`${root}/${parent}`, { withFileTypes: true }).filter((entry) => entry.isDirectory()).length;
      await using other = await TestBed.open(findBusybox() ?? assert.fail(), { cgroupParent: engines });
      for (const [cgroupParent, want] of [
        ["", [1, 0]],
        [steps, [0, 1]],
      ] as const) {
        const onOutput = () => assert.deepEqual([inside(engines), inside(steps)], want);
        assert.equal((await other.run("echo ready; cat", { cgroupParent, onOutput })).code, 0);
      }
      for (const parent of [engines, steps]) rmdirSync(`${root}/${parent}`);
    });

    test("our own cgroups are used again", async () => {
      await Promise.all([bed.run("true"), bed.run("true")]);
      await bed.run("true");
      const own = readdirSync(`${root}/polyarch`).filter((name) => name.includes(`-${process.pid}-`));
      assert.ok(own.length >= 1 && own.length <= 2, `${own.length}`);
      for (const name of own) assert.equal(readFileSync(`${root}/polyarch/${name}/cgroup.procs`, "utf8"), "");
    });
  },
  { prepare },
);
