/**
 * Programs of other architectures on this machine: how the kernel tells them apart, which emulators are installed, and the kernel's table
 * of who runs what (binfmt_misc).
 */
export { type Architecture, architectures, type ElfIdentity } from "./architectures.ts";
export { amd64Variants } from "./cpu-level.ts";
export { type ElfHeader, elfMagic, exitProgram, isStaticExecutable, readElfHeader } from "./elf.ts";
export {
  type BinfmtEntry,
  binfmtDirectory,
  entryFor,
  parseBinfmtEntry,
  readEntries,
  registration,
} from "./entry.ts";
export { type Change, install, toInstall, toUninstall, uninstall } from "./manage.ts";
export { type Emulator, installedEmulators } from "./qemu.ts";
export { supportedPlatforms } from "./supported.ts";
export { BinfmtTable } from "./table.ts";
