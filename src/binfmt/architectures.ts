/** How ELF files of an architecture are told from others. */
export interface ElfIdentity {
  readonly bits: 32 | 64;
  readonly endian: "little" | "big";
  /** `e_machine`. */
  readonly machine: number;
  /** `e_flags` of a modern executable; matters for running it, not for telling it. */
  readonly flags: number;
}

/** An architecture that an emulator may run. */
export interface Architecture {
  /** As in platforms (`GOARCH`). */
  readonly name: string;
  readonly elf: ElfIdentity;
  /** What QEMU calls it: `qemu-<this>-static`. */
  readonly qemu: string;
  /** Variants that run wherever it does, best first; none: the architecture has no variants. */
  readonly variants?: readonly string[];
  /** Machine code of `exit(0)`, as it stands in memory. */
  readonly exitCode: Uint8Array;
}

const little = (...words: number[]) =>
  new Uint8Array(words.flatMap((word) => [word, word >>> 8, word >>> 16, word >>> 24].map((byte) => byte & 0xff)));
const big = (...words: number[]) =>
  new Uint8Array(words.flatMap((word) => [word >>> 24, word >>> 16, word >>> 8, word].map((byte) => byte & 0xff)));

/** All architectures that images commonly have, in the order in which BuildKit lists them. */
export const architectures: readonly Architecture[] = [
  {
    name: "amd64",
    elf: { bits: 64, endian: "little", machine: 62, flags: 0 },
    qemu: "x86_64",
    exitCode: Uint8Array.of(0xb8, 0x3c, 0, 0, 0, 0x31, 0xff, 0x0f, 0x05), // mov eax, 60; xor edi, edi; syscall
  },
  {
    name: "arm64",
    elf: { bits: 64, endian: "little", machine: 183, flags: 0 },
    qemu: "aarch64",
    exitCode: little(0xd280_0ba8, 0xd280_0000, 0xd400_0001), // mov x8, 93; mov x0, 0; svc 0
  },
  {
    name: "riscv64",
    elf: { bits: 64, endian: "little", machine: 243, flags: 0x5 },
    qemu: "riscv64",
    exitCode: little(0x05d0_0893, 0x0000_0513, 0x0000_0073), // li a7, 93; li a0, 0; ecall
  },
  {
    name: "ppc64le",
    elf: { bits: 64, endian: "little", machine: 21, flags: 0x2 },
    qemu: "ppc64le",
    exitCode: little(0x3800_0001, 0x3860_0000, 0x4400_0002), // li r0, 1; li r3, 0; sc
  },
  {
    name: "ppc64",
    elf: { bits: 64, endian: "big", machine: 21, flags: 0x2 },
    qemu: "ppc64",
    exitCode: big(0x3800_0001, 0x3860_0000, 0x4400_0002),
  },
  {
    name: "s390x",
    elf: { bits: 64, endian: "big", machine: 22, flags: 0 },
    qemu: "s390x",
    exitCode: Uint8Array.of(0xa7, 0x29, 0, 0, 0x0a, 0x01), // lghi r2, 0; svc 1
  },
  {
    name: "386",
    elf: { bits: 32, endian: "little", machine: 3, flags: 0 },
    qemu: "i386",
    exitCode: Uint8Array.of(0xb8, 1, 0, 0, 0, 0x31, 0xdb, 0xcd, 0x80), // mov eax, 1; xor ebx, ebx; int 0x80
  },
  {
    name: "mips64le",
    elf: { bits: 64, endian: "little", machine: 8, flags: 0x8000_0007 },
    qemu: "mips64el",
    exitCode: little(0x2402_13c2, 0x2404_0000, 0x0000_000c), // li v0, 5058; li a0, 0; syscall
  },
  {
    name: "mips64",
    elf: { bits: 64, endian: "big", machine: 8, flags: 0x8000_0007 },
    qemu: "mips64",
    exitCode: big(0x2402_13c2, 0x2404_0000, 0x0000_000c),
  },
  {
    name: "loong64",
    elf: { bits: 64, endian: "little", machine: 258, flags: 0x43 },
    qemu: "loongarch64",
    exitCode: little(0x02c1_740b, 0x02c0_0004, 0x002b_0000), // li a7, 93; li a0, 0; syscall
  },
  {
    name: "arm",
    elf: { bits: 32, endian: "little", machine: 40, flags: 0x0500_0000 },
    qemu: "arm",
    variants: ["v7", "v6", "v5"],
    exitCode: little(0xe3a0_7001, 0xe3a0_0000, 0xef00_0000), // mov r7, 1; mov r0, 0; svc 0
  },
];
