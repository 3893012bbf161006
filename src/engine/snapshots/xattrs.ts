/**
 * Whether an extended attribute belongs to a file (and so into layers and digests) rather than to the machine it lies on. Of `security.*` only the
 * capability does; labels and checksums of the kernel's own, ACLs (`system.*`) and overlayfs' marks never travel, in either direction: a layer
 * that carried `trusted.overlay.*` could point into other trees.
 */
export function belongsToFile(name: string): boolean {
  if (name.startsWith("security.")) return name === "security.capability";
  return !name.startsWith("system.") && !name.startsWith("trusted.overlay.") && !name.startsWith("user.overlay.");
}

/** Those of `xattrs` that {@link belongsToFile}, sorted by name; `undefined` when none is left. */
export function fileXattrs(
  xattrs: Readonly<Record<string, Uint8Array>> | undefined,
): Readonly<Record<string, Uint8Array>> | undefined {
  if (!xattrs) return undefined;
  const kept = Object.entries(xattrs).filter(([name]) => belongsToFile(name));
  if (kept.length === 0) return undefined;
  return Object.fromEntries(kept.sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** overlayfs' own marks, as an engine with privileges sets them. */
export const opaqueXattr = "trusted.overlay.opaque";
