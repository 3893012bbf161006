import { formatPlatform, type Platform } from "../../oci/mod.ts";

/** A node's platforms as text, those that are fixed for it first, with a star. */
export function platformNames(fixed: readonly Platform[], all: readonly Platform[]): readonly string[] {
  const starred = new Map(fixed.map((platform) => [formatPlatform(platform), "*"]));
  const names = new Set([...fixed, ...all].map(formatPlatform));
  return [...names].map((name) => name + (starred.get(name) ?? ""));
}

/** Those that people look for first. */
const majors = [
  "linux/amd64",
  "linux/arm64",
  "linux/arm",
  "linux/ppc64le",
  "linux/s390x",
  "linux/riscv64",
  "linux/mips64",
];
/** How many groups fit into a table. */
const shownGroups = 4;

/**
 * Platforms in short, as `ls` shows them: variants of one architecture together, the usual architectures first, and how many are left out. Counts
 * as buildx does: of the last group that fits, only the first variant is looked at.
 */
export function shortPlatforms(names: readonly string[]): string {
  const groups = new Map<string, string[]>();
  for (const major of majors) {
    for (const name of names) {
      if (groups.size >= shownGroups) break;
      if (majorOf(name) === major) groups.set(major, [...(groups.get(major) ?? []), name]);
    }
  }
  const isFull = groups.size >= shownGroups;
  const others = new Map<string, string[]>();
  for (const name of isFull ? [] : names) {
    const major = majorOf(name);
    if (!groups.has(major)) others.set(major, [...(others.get(major) ?? []), name]);
  }
  const usual = majors.filter((major) => groups.has(major) || others.has(major));
  const rest = [...others.keys()].filter((major) => !majors.includes(major)).toSorted();
  const shown = [...usual, ...rest.slice(0, Math.max(0, shownGroups - usual.length))];
  const members = shown.map((major) => [major, groups.get(major) ?? others.get(major) ?? []] as const);
  const left = names.length - members.reduce((count, [, variants]) => count + variants.length, 0);
  const texts = members.map(([major, variants]) => {
    if (variants.length === 1) return variants[0] as string;
    const star = variants.some((name) => name.endsWith("*")) ? "*" : "";
    return `${major}${star} (+${variants.length})`;
  });
  return [...texts, ...(left > 0 ? [`(${left} more)`] : [])].join(", ");
}

function majorOf(name: string): string {
  return name.replace(/\*$/, "").split("/").slice(0, 2).join("/");
}
