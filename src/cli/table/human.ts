/** A size for people, in powers of 1000: `8.224kB`. */
export function humanSize(bytes: number | bigint): string {
  return scaled(Number(bytes), 1000, ["B", "kB", "MB", "GB", "TB", "PB", "EB", "ZB", "YB"]);
}

/** A size for people, in powers of 1024: `1.5GiB`. */
export function binarySize(bytes: number | bigint): string {
  return scaled(Number(bytes), 1024, ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB", "ZiB", "YiB"]);
}

function scaled(value: number, base: number, units: readonly string[]): string {
  let rest = value;
  let unit = 0;
  while (rest >= base && unit < units.length - 1) {
    rest /= base;
    unit++;
  }
  return `${Number(rest.toPrecision(4))}${units[unit]}`;
}

/** A span of time as Go writes it: `48h0m0s`, `1.5s`. */
export function goDuration(nanoseconds: bigint): string {
  if (nanoseconds === 0n) return "0s";
  const sign = nanoseconds < 0n ? "-" : "";
  const total = nanoseconds < 0n ? -nanoseconds : nanoseconds;
  for (const [unit, size] of [
    ["ns", 1n],
    ["µs", 1_000n],
    ["ms", 1_000_000n],
  ] as const) {
    if (total < size * 1000n) return `${sign}${Number(total) / Number(size)}${unit}`;
  }
  const seconds = total / 1_000_000_000n;
  const fraction = String(total % 1_000_000_000n)
    .padStart(9, "0")
    .replace(/0+$/, "");
  const [h, m, s] = [seconds / 3600n, (seconds / 60n) % 60n, seconds % 60n];
  const short = `${s}${fraction === "" ? "" : `.${fraction}`}s`;
  return sign + (h > 0n ? `${h}h${m}m${short}` : m > 0n ? `${m}m${short}` : short);
}

/** A moment as Go prints it: `2026-11-21 00:38:13.5 +0000 UTC`. @param nanoseconds of the second */
export function goTime(date: Date, nanoseconds = date.getUTCMilliseconds() * 1_000_000): string {
  const fraction = String(nanoseconds).padStart(9, "0").replace(/0+$/, "");
  const [day, time] = date.toISOString().split(/[T.]/);
  return `${day} ${time}${fraction === "" ? "" : `.${fraction}`} +0000 UTC`;
}
