import { mkdtemp, readdir, readFile, rmdir, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { must } from "./run.ts";

/** How the kernel recognises a program of a foreign architecture, and what runs it. */
interface Emulator {
  readonly qemu: string;
  readonly magic: string;
  readonly mask: string;
}

/** ELF: class and byte order, then, after the padding, the machine. */
function elf(qemu: string, bits: 32 | 64, order: "little" | "big", machine: number): Emulator {
  const half = (n: number) => (order === "little" ? hex(n & 0xff, n >> 8) : hex(n >> 8, n & 0xff));
  const ident = `\\x7fELF${hex(bits / 32, order === "little" ? 1 : 2, 1, 0)}${hex(0, 0, 0, 0, 0, 0, 0, 0)}`;
  return {
    qemu,
    magic: `${ident}${half(2)}${half(machine)}`,
    // The ABI bytes do not matter, and "shared object" (3, position independent) is as good as "executable" (2).
    mask: `${hex(255, 255, 255, 255, 255, 255, 255, 0)}${hex(255, 255, 255, 255, 255, 255, 255, 255)}${half(0xfffe)}${half(0xffff)}`,
  };
}

function hex(...bytes: number[]): string {
  return bytes.map((byte) => `\\x${byte.toString(16).padStart(2, "0")}`).join("");
}

const emulators: Readonly<Record<string, Emulator>> = {
  x64: elf("x86_64", 64, "little", 62),
  ia32: elf("i386", 32, "little", 3),
  arm64: elf("aarch64", 64, "little", 183),
  arm: elf("arm", 32, "little", 40),
  ppc64: elf("ppc64le", 64, "little", 21),
  s390x: elf("s390x", 64, "big", 22),
  riscv64: elf("riscv64", 64, "little", 243),
};

/** Lines for the kernel's `binfmt_misc/register`, one for each lab architecture that this machine cannot run itself. */
export function registrations(prefix: string): readonly string[] {
  const native = process.arch === "x64" ? ["x64", "ia32"] : [process.arch];
  return Object.entries(emulators)
    .filter(([arch]) => !native.includes(arch))
    .map(([, { qemu, magic, mask }]) => `:${prefix}${qemu}:M::${magic}:${mask}:/usr/bin/qemu-${qemu}-static:PF`);
}

/**
 * Lets this machine itself run foreign programs, as `docker run --platform` expects of it, until disposed.
 * Leaves what it finds registered as it is and takes away only what it added; several tests may do so at the same time. Needs root.
 */
export async function emulateOnHost(): Promise<AsyncDisposable> {
  await using undo = new AsyncDisposableStack();
  // The kernel's table, mounted where nobody else takes the mount away.
  const table = await mkdtemp(join(tmpdir(), "polyarch-binfmt-"));
  undo.defer(() => rmdir(table));
  await must("mount", ["-t", "binfmt_misc", "binfmt_misc", table]);
  undo.defer(async () => void (await must("umount", [table])));
  const known = new Set<string>();
  for (const entry of await readdir(table)) {
    if (entry === "register" || entry === "status" || entry.startsWith("lab-")) continue;
    const text = await readFile(join(table, entry), "utf8").catch(() => ""); // it may have gone
    const magic = /^magic ([0-9a-f]+)$/m.exec(text)?.[1];
    if (magic !== undefined && text.startsWith("enabled")) known.add(magic.slice(-4)); // the machine
  }
  for (const line of registrations(`lab-${process.pid}-`)) {
    const [, name = "", , , magic = ""] = line.split(":");
    if (known.has(magic.slice(-8).replaceAll("\\x", ""))) continue;
    await writeFile(join(table, "register"), line);
    undo.defer(() => writeFile(join(table, name), "-1"));
  }
  return undo.move();
}
