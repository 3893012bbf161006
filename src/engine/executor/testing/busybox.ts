import { spawnSync } from "node:child_process";
import {
  copyFileSync,
  existsSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
} from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { currentPlatform } from "../../../oci/mod.ts";
import { architectures } from "../../../binfmt/mod.ts";

const cache = join(process.env["XDG_CACHE_HOME"] ?? join(homedir(), ".cache"), "polyarch");
const lab = process.env["POLYARCH_LAB_CACHE"] ?? join(cache, "lab");

/**
 * A statically linked busybox for an architecture (as in platforms), or `undefined` when none can be had. Looks on this machine and among what the
 * end-to-end tests have downloaded; the machine's own architecture is fetched from Debian when it is missing.
 */
export function findBusybox(architecture: string = currentPlatform().architecture): string | undefined {
  const machine = architectures.find(({ name }) => name === architecture)?.elf;
  if (!machine) return undefined;
  const own = join(cache, "test-busybox");
  const patterns = [join(own, "bin/busybox"), join(lab, "debian/*/unpacked/*/{bin,usr/bin}/busybox"), "/bin/busybox"];
  const find = () =>
    globSync(patterns).find((path) => {
      const header = readFileSync(path).subarray(0, 20);
      const found = machine.endian === "little" ? header.readUInt16LE(18) : header.readUInt16BE(18);
      return (
        header[4] === machine.bits / 32 &&
        header[5] === (machine.endian === "little" ? 1 : 2) &&
        found === machine.machine
      );
    });
  if (architecture !== currentPlatform().architecture) return find();
  return find() ?? (download(own) ? find() : undefined);
}

/** Makes a small root filesystem of a busybox: commands, users, nothing else. */
export function makeRoot(directory: string, busybox: string): void {
  for (const name of ["bin", "etc", "tmp", "root"]) mkdirSync(join(directory, name), { recursive: true });
  copyFileSync(busybox, join(directory, "bin/busybox"));
  const applets =
    "sh cat ls id pwd env mount umount mknod sleep echo touch stat test grep hostname ps kill true false head wc tail dd unshare chmod mkdir nc uname ulimit".split(
      " ",
    );
  for (const name of applets) symlinkSync("busybox", join(directory, "bin", name));
}

function download(to: string): boolean {
  if (existsSync(to)) return true;
  mkdirSync(cache, { recursive: true });
  const partial = mkdtempSync(`${to}.`); // other test files may do the same at the same time
  const script = 'cd "$0" && apt-get --quiet=2 download busybox-static && dpkg-deb --extract busybox-static*.deb .';
  try {
    if (spawnSync("/bin/sh", ["-c", script, partial], { stdio: "ignore" }).status !== 0) return false;
    renameSync(partial, to);
  } catch (error) {
    if (!existsSync(to)) throw error;
  } finally {
    rmSync(partial, { recursive: true, force: true });
  }
  return true;
}
