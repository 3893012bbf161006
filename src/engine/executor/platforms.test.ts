import assert from "node:assert/strict";
import { lstatSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { currentPlatform, formatPlatform } from "../../oci/mod.ts";
import { architectures, exitProgram } from "../../binfmt/mod.ts";
import { findBusybox, makeRoot, TestBed, testsWithBed } from "./testing/mod.ts";

await testsWithBed(
  import.meta.url,
  async (bed) => {
    const platforms = await bed.executor.platforms();

    test("platforms() begins with this machine's own", () => {
      assert.deepEqual(platforms[0], { platform: currentPlatform(), how: "native" });
    });

    test("platforms() is remembered for as long as wanted", async () => {
      assert.equal(await bed.executor.platforms(), platforms);
      for (const [platformsMaxAgeMs, isSame] of [
        [0, false],
        [-1, true],
      ] as const) {
        await using other = await TestBed.open(findBusybox() ?? assert.fail(), { platformsMaxAgeMs });
        const [first, second] = [await other.executor.platforms(), await other.executor.platforms()];
        assert.deepEqual(second, first);
        assert.equal(second === first, isSame);
      }
    });

    test("a platform that nothing here runs is refused before anything happens", async () => {
      await assert.rejects(bed.run("true", { platform: { os: "linux", architecture: "sparc64" } }), {
        code: "failed_precondition",
        message: /exec format error.*linux\/sparc64/,
      });
    });

    for (const { platform, how } of platforms) {
      const name = formatPlatform(platform);
      const busybox = findBusybox(platform.architecture);
      test(`${name} runs here (${how})${busybox ? "" : ", as a program that only ends"}`, async () => {
        const root = join(bed.directory, name.replaceAll("/", "-"));
        if (!busybox) {
          mkdirSync(root);
          const architecture = architectures.find((known) => known.name === platform.architecture) ?? assert.fail();
          writeFileSync(join(root, "exit"), exitProgram(architecture), { mode: 0o755 });
          const { code, stderr } = await bed.runIn(root, ["/exit"], { platform });
          assert.equal(code, 0, stderr);
          return;
        }
        makeRoot(root, busybox);
        const command =
          "id -u; touch /made && chown 5:6 /made && chmod 4755 /made; cat /etc/resolv.conf >/dev/null && echo $0; echo x >/dev/null; ls /sys/class >/dev/null; mount -t tmpfs t /tmp 2>/dev/null || echo no mount";
        const { stdout, stderr, code } = await bed.runIn(root, command, { platform });
        assert.deepEqual({ stdout, stderr, code }, { stdout: "0\n/bin/sh\nno mount\n", stderr: "", code: 0 });
        const { uid, gid, mode } = lstatSync(join(root, "made"));
        assert.deepEqual([uid, gid, mode & 0o7777], [5, 6, 0o4755]);
        const none = await bed.runIn(root, "echo $(cat /sys/class/net/lo/flags)", { platform, network: "none" });
        assert.equal(none.code, 0, none.stderr);
      });
    }
  },
  { machineEmulators: false },
);
