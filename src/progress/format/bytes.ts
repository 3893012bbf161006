const units = ["B", "kB", "MB", "GB", "TB", "PB", "EB"];

/** A number of bytes in powers of 1000, for people: `56B`, `3.37MB`. */
export function formatBytes(bytes: bigint | number): string {
  let value = Number(bytes);
  let unit = 0;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit++;
  }
  return unit === 0 ? `${value}B` : `${value.toFixed(2)}${units[unit]}`;
}

/** `current / total`, or what of the two is known; empty when nothing is. */
export function formatAmount(current: bigint, total: bigint): string {
  if (total !== 0n) return `${formatBytes(current)} / ${formatBytes(total)}`;
  return current === 0n ? "" : formatBytes(current);
}
