import { defineCommand } from "../command.ts";
import type { FlagTable } from "../flags/flag.ts";

/** The flags of `binfmt`. */
export const binfmtFlags = {
  install: { kind: "string", usage: 'Architectures whose emulators to register, with commas, or "all"' },
  mount: {
    kind: "string",
    default: "/proc/sys/fs/binfmt_misc",
    usage: "Where the kernel's table is mounted",
    complete: "directory",
  },
  uninstall: { kind: "string", usage: 'Architectures or registrations to remove, with commas; "qemu-*" fits several' },
} as const satisfies FlagTable;

/** `binfmt`: which platforms' programs this machine runs, and the emulators that are registered with it. */
export const binfmtCommand = defineCommand({
  name: "binfmt",
  summary: "Show, register and remove emulators of other platforms on this machine",
  usage: "[OPTIONS]",
  args: { min: 0, max: 0 },
  flags: binfmtFlags,
  run: async (invocation) => (await import("./binfmt-run.ts")).runBinfmt(invocation),
});
