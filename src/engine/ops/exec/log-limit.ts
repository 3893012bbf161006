/** How much of a step's output is kept. -1: no limit. */
export interface LogLimits {
  readonly maxBytes?: number;
  readonly maxBytesPerSecond?: number;
}

const defaultBytes = 2 * 1024 * 1024;
const defaultBytesPerSecond = 200 * 1024;

/**
 * Wraps one output stream of a step: passes on what the limits allow and, once, says where it began to clip. What the speed limit
 * held back is lost; later output passes again as time goes by.
 */
export function limitLog(
  write: (data: Uint8Array) => void,
  limits: LogLimits,
  now: () => Date,
): (data: Uint8Array) => void {
  const maxBytes = limits.maxBytes ?? defaultBytes;
  const perSecond = limits.maxBytesPerSecond ?? defaultBytesPerSecond;
  const start = now().getTime();
  let passed = 0;
  let clipping = false;
  return (data) => {
    const seconds = Math.max(1, Math.ceil((now().getTime() - start) / 1000));
    const bySpeed = perSecond < 0 ? Number.POSITIVE_INFINITY : seconds * perSecond;
    const bySize = maxBytes < 0 ? Number.POSITIVE_INFINITY : maxBytes;
    const room = Math.max(0, Math.min(bySpeed, bySize) - passed);
    const piece = data.byteLength <= room ? data : data.subarray(0, room);
    passed += piece.byteLength;
    if (piece.byteLength > 0) write(piece);
    if (piece.byteLength === data.byteLength) {
      clipping = false;
    } else if (!clipping) {
      clipping = true;
      const limit = bySpeed < bySize ? `${formatBytes(perSecond)}/s` : formatBytes(maxBytes);
      write(new TextEncoder().encode(`\n[output clipped, log limit ${limit} reached]\n`));
    }
  };
}

/** As BuildKit writes its limits: `2MiB`, `200KiB`. */
function formatBytes(bytes: number): string {
  const units = ["B", "KiB", "MiB", "GiB"];
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit++;
  }
  return `${Number(value.toPrecision(4))}${units[unit]}`;
}
