const units = ["B", "kB", "MB", "GB", "TB", "PB", "EB"] as const;

/** A size in powers of 1000: `4.10kB`; below 1000 whole bytes. @param digits behind the point; left out: as many as there are */
export function sizeText(bytes: bigint, digits?: number): string {
  let value = Number(bytes);
  let unit = 0;
  while (Math.abs(value) >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit++;
  }
  return `${unit === 0 || digits === undefined ? value : value.toFixed(digits)}${units[unit]}`;
}
