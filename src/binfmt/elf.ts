import { closeSync, openSync, readSync } from "node:fs";
import { type Architecture, architectures, type ElfIdentity } from "./architectures.ts";

const ET_EXEC = 2;
const PT_LOAD = 1;
const PT_INTERP = 3;
const READ_EXECUTE = 5;
const loadAddress = 0x10_0000;

/** A smallest possible program of an architecture: it exits with 0. Whoever runs it can run the architecture. */
export function exitProgram({ elf, exitCode }: Architecture): Uint8Array {
  const wide = elf.bits === 64;
  const headerSize = wide ? 64 : 52;
  const programHeaderSize = wide ? 56 : 32;
  const codeAt = headerSize + programHeaderSize;
  const size = codeAt + exitCode.byteLength;
  const bytes = Buffer.alloc(size);
  const put = writer(bytes, elf);
  Buffer.from(identification(elf)).copy(bytes);
  put(16, 2, ET_EXEC);
  put(18, 2, elf.machine);
  put(20, 4, 1);
  const word = wide ? 8 : 4;
  put(24, word, loadAddress + codeAt); // entry
  put(24 + word, word, headerSize); // program headers
  put(24 + 3 * word, 4, elf.flags);
  put(28 + 3 * word, 2, headerSize);
  put(30 + 3 * word, 2, programHeaderSize);
  put(32 + 3 * word, 2, 1);
  put(headerSize, 4, PT_LOAD);
  const at = headerSize + (wide ? 8 : 4); // offset, virtual and physical address, size in the file and in memory
  for (const [index, value] of [0, loadAddress, loadAddress, size, size].entries()) put(at + index * word, word, value);
  put(headerSize + (wide ? 4 : 24), 4, READ_EXECUTE);
  put(headerSize + (wide ? 48 : 28), word, 0x1_0000); // alignment: the largest page of any of them
  Buffer.from(exitCode).copy(bytes, codeAt);
  return bytes;
}

/** The first 20 bytes of any executable of an architecture, and which of their bits matter: how binfmt_misc recognises it. */
export function elfMagic(elf: ElfIdentity): { readonly magic: Uint8Array; readonly mask: Uint8Array } {
  const magic = Buffer.alloc(20);
  Buffer.from(identification(elf)).copy(magic);
  const put = writer(magic, elf);
  put(16, 2, ET_EXEC);
  put(18, 2, elf.machine);
  const mask = Buffer.alloc(20, 0xff);
  mask[7] = 0; // the operating system's ABI: GNU programs say so, others leave it empty
  mask[elf.endian === "little" ? 16 : 17] = 0xfe; // executables (2) and position-independent ones (3)
  return { magic, mask };
}

/** What the beginning of an executable says of it. */
export interface ElfHeader {
  /** As in platforms; `undefined`: one that images never have. */
  readonly architecture: string | undefined;
  /** The program that starts it (`/lib64/ld-linux-x86-64.so.2`); `undefined` for one that needs none, or when that lies beyond the bytes. */
  readonly interpreter: string | undefined;
}

/** Reads the first bytes of a file, 4 KiB are enough for what compilers make; `undefined` when they are no ELF header. */
export function readElfHeader(start: Uint8Array): ElfHeader | undefined {
  const view = new DataView(start.buffer, start.byteOffset, start.byteLength);
  if (start.byteLength < 52 || view.getUint32(0) !== 0x7f45_4c46) return undefined;
  const wide = start[4] === 2;
  const little = start[5] === 1;
  const machine = view.getUint16(18, little);
  const architecture = architectures.find(
    ({ elf }) => elf.machine === machine && (elf.bits === 64) === wide && (elf.endian === "little") === little,
  );
  return { architecture: architecture?.name, interpreter: interpreterOf(start, view, { wide, little }) };
}

function interpreterOf(
  start: Uint8Array,
  view: DataView,
  { wide, little }: { readonly wide: boolean; readonly little: boolean },
): string | undefined {
  if (wide && start.byteLength < 64) return undefined;
  const word = (at: number) => (wide ? Number(view.getBigUint64(at, little)) : view.getUint32(at, little));
  const table = word(wide ? 32 : 28);
  const size = view.getUint16(wide ? 54 : 42, little);
  const count = view.getUint16(wide ? 56 : 44, little);
  for (let index = 0; index < count; index++) {
    const at = table + index * size;
    if (at + (wide ? 56 : 32) > start.byteLength) return undefined;
    if (view.getUint32(at, little) !== PT_INTERP) continue;
    const from = word(at + (wide ? 8 : 4));
    const to = from + word(at + (wide ? 32 : 16));
    if (to > start.byteLength || from >= to) return undefined;
    return Buffer.from(start.subarray(from, to)).toString("utf8").replace(/\0.*$/s, "");
  }
  return undefined;
}

/** Whether a file is an executable that needs no other file to start: an interpreter in a foreign root must be that. */
export function isStaticExecutable(path: string): boolean {
  const header = Buffer.alloc(4096);
  const fd = openSync(path, "r");
  try {
    readSync(fd, header, 0, header.length, 0);
  } finally {
    closeSync(fd);
  }
  if (header.readUInt32BE(0) !== 0x7f45_4c46) return false;
  // Emulators are programs of this machine, which is a little-endian one of 64 bits.
  if (header[4] !== 2 || header[5] !== 1) return false;
  const at = Number(header.readBigUInt64LE(32));
  const size = header.readUInt16LE(54);
  const count = header.readUInt16LE(56);
  for (let index = 0; index < count; index++) {
    const offset = at + index * size;
    if (offset + 4 > header.length) return false;
    if (header.readUInt32LE(offset) === PT_INTERP) return false;
  }
  return true;
}

function identification(elf: ElfIdentity): Uint8Array {
  return Uint8Array.of(0x7f, 0x45, 0x4c, 0x46, elf.bits === 64 ? 2 : 1, elf.endian === "little" ? 1 : 2, 1);
}

function writer(bytes: Buffer, elf: ElfIdentity): (at: number, size: 2 | 4 | 8, value: number) => void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const little = elf.endian === "little";
  return (at, size, value) => {
    if (size === 2) view.setUint16(at, value, little);
    else if (size === 4) view.setUint32(at, value, little);
    else view.setBigUint64(at, BigInt(value), little);
  };
}
