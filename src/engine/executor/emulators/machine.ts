import { readdirSync } from "node:fs";
import { type BinfmtEntry, binfmtDirectory, readEntries } from "../../../binfmt/mod.ts";
import { mountFs } from "../../../base/sys/mod.ts";
import { inOwnMountNamespace } from "../mount-namespace.ts";

/** The registrations of this machine; mounts their directory where it is missing, in the engine's own mount namespace. */
export function machineEntries(): readonly BinfmtEntry[] {
  try {
    if (!readdirSync(binfmtDirectory).includes("register") && inOwnMountNamespace()) {
      mountFs("binfmt_misc", "binfmt_misc", binfmtDirectory);
    }
    return readEntries(binfmtDirectory);
  } catch {
    return []; // a kernel without binfmt_misc, or one that does not let us look: probing tells the rest
  }
}

/** The name of the engine's own registration of an emulator. */
export function registrationName(architecture: { readonly qemu: string }): string {
  return `polyarch-${architecture.qemu}`;
}
