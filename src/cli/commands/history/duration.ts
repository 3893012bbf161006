/** How long a build took, as buildx prints it: `12.3s`, from a minute on `1m  1s`. */
export function buildDuration(ns: bigint): string {
  const seconds = Number(ns) / 1e9;
  if (seconds < 60) return `${seconds.toFixed(1)}s`;
  const whole = Math.floor(seconds);
  return `${Math.floor(whole / 60)}m ${String(whole % 60).padStart(2)}s`;
}
