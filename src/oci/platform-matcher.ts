import type { Descriptor } from "./descriptor.ts";
import { formatPlatform, normalizePlatform, type Platform } from "./platform.ts";

/** Tells which platforms can stand in for a wanted one, and which of them is the best. */
export interface PlatformMatcher {
  /** What was asked for, normalized. */
  readonly wanted: Platform;
  matches(platform: Platform): boolean;
  /** Negative when `a` fits better than `b`, for `Array.sort`; what does not fit comes last. */
  compare(a: Platform, b: Platform): number;
  /**
   * The best of an index's descriptors; the first of equals. Descriptors without a platform are taken when no other fits:
   * then only the image config can tell, and the caller has to look.
   */
  choose<D extends Pick<Descriptor, "platform">>(descriptors: readonly D[]): D | undefined;
}

/**
 * Matches as containerd's `Only`: exactly this platform, else older ones that the same machine runs (arm64 also arm/v8…v5,
 * arm/v7 also v6 and v5, amd64/v3 also v2, v1 and 386). With `strict` nothing stands in.
 */
export function platformMatcher(platform: Platform, options: { strict?: boolean } = {}): PlatformMatcher {
  const wanted = normalizePlatform(platform);
  const ranks = new Map<string, number>();
  for (const candidate of options.strict ? [wanted] : fallbacks(wanted)) {
    const key = formatPlatform(candidate);
    if (!ranks.has(key)) ranks.set(key, ranks.size);
  }
  const rank = (candidate: Platform): number =>
    fitsOsVersion(wanted, candidate) ? (ranks.get(formatPlatform(candidate)) ?? Infinity) : Infinity;
  return {
    wanted,
    matches: (candidate) => rank(candidate) !== Infinity,
    compare: (a, b) => (rank(a) === rank(b) ? 0 : rank(a) - rank(b)),
    choose: (descriptors) => {
      let best: (typeof descriptors)[number] | undefined;
      let bestRank = Infinity;
      for (const descriptor of descriptors) {
        if (descriptor.platform && rank(descriptor.platform) < bestRank) {
          best = descriptor;
          bestRank = rank(descriptor.platform);
        }
      }
      return best ?? descriptors.find((descriptor) => descriptor.platform === undefined);
    },
  };
}

/** A Windows image runs only on its own build of Windows; elsewhere the os version is a remark. */
function fitsOsVersion(wanted: Platform, candidate: Platform): boolean {
  if (wanted.os !== "windows" || !wanted.osVersion || !candidate.osVersion) return true;
  const build = (version: string) => version.split(".").slice(0, 3).join(".");
  return build(wanted.osVersion) === build(candidate.osVersion);
}

/** What a machine of the (normalized) platform runs, best first. */
function fallbacks(platform: Platform): readonly Platform[] {
  const { variant = "" } = platform;
  switch (platform.architecture) {
    case "amd64":
      return [
        platform,
        ...countDown(numberOf(variant) - 1, 1).map((n) => as(platform, "amd64", `v${n}`)),
        as(platform, "386", ""),
      ];
    case "arm":
      return [platform, ...countDown(numberOf(variant) - 1, 5).map((n) => as(platform, "arm", `v${n}`))];
    case "arm64":
      return [platform, ...arm64Below(variant).map((v) => as(platform, "arm64", v)), ...armBelow64(platform, variant)];
    default:
      return [platform];
  }
}

/** Versions of arm64 that `variant` includes: v9.x has all of v8.(x+5), up to v8.9. */
function arm64Below(variant: string): readonly string[] {
  const [, majorText, minorText] = /^v([89])(?:\.(\d))?$/.exec(variant === "" ? "v8" : variant) ?? [];
  if (majorText === undefined) return [];
  const minors = (major: number, from: number) =>
    countDown(from, 0).map((n) => (n === 0 ? `v${major}` : `v${major}.${n}`));
  const minor = Number(minorText ?? "0");
  if (majorText === "8") return minors(8, minor - 1);
  return [...minors(9, minor - 1), ...minors(8, Math.min(minor + 5, 9))];
}

/** The 32-bit mode of v8 and v9 machines. */
function armBelow64(platform: Platform, variant: string): readonly Platform[] {
  return variant === "" || /^v[89]/.test(variant)
    ? fallbacks(as(platform, "arm", "v8"))
    : fallbacks(as(platform, "arm", variant));
}

function as(platform: Platform, architecture: string, variant: string): Platform {
  const { variant: _, ...rest } = platform;
  return normalizePlatform({ ...rest, architecture, ...(variant === "" ? {} : { variant }) });
}

function numberOf(variant: string): number {
  return /^v\d{1,2}$/.test(variant) ? Number(variant.slice(1)) : 0;
}

function countDown(from: number, to: number): readonly number[] {
  return Array.from({ length: Math.max(0, from - to + 1) }, (_, i) => from - i);
}
