import { endianness } from "node:os";
import { BuildError } from "../base/errors/mod.ts";

/** What an image, or a machine, runs: names as Go has them (`GOOS`, `GOARCH`). Normalized when it came from {@link parsePlatform}. */
export interface Platform {
  readonly os: string;
  readonly architecture: string;
  /** For instance `v7` of arm, `v3` of amd64. */
  readonly variant?: string;
  readonly osVersion?: string;
  readonly osFeatures?: readonly string[];
}

const knownOs = new Set(
  "aix android darwin dragonfly freebsd hurd illumos ios js linux nacl netbsd openbsd plan9 solaris windows zos".split(
    " ",
  ),
);
const knownArchitectures = new Set(
  (
    "386 amd64 amd64p32 arm armbe arm64 arm64be ppc64 ppc64le loong64 mips mipsle mips64 mips64le mips64p32 mips64p32le " +
    "ppc riscv riscv64 s390 s390x sparc sparc64 wasm"
  ).split(" "),
);

const componentPattern = /^[A-Za-z0-9_.-]+$/;
const osPattern = /^([A-Za-z0-9_-]+)(?:\(([A-Za-z0-9_.%-]*)((?:\+[A-Za-z0-9_.%-]+)*)\))?$/;

/**
 * Parses `os`, `architecture`, `os/architecture` or `os/architecture/variant` (the os may carry a version: `windows(10.0.17763)`) and
 * normalizes it. What is left out is filled from `native`, the platform of this machine.
 * @throws {BuildError} `invalid_argument` with containerd's words
 */
export function parsePlatform(text: string, options: { native?: Platform } = {}): Platform {
  if (text.includes("*")) throw invalid(`${JSON.stringify(text)}: wildcards not yet supported`);
  const parts = text.split("/");
  const [first = "", architecture, variant] = parts;
  const osMatch = osPattern.exec(first);
  if (!osMatch) {
    throw invalid(
      `${JSON.stringify(first)} is an invalid OS component of ${JSON.stringify(text)}: OSAndVersion specifier component must match ${JSON.stringify(osPattern.source)}`,
    );
  }
  for (const part of parts.slice(1)) {
    if (!componentPattern.test(part)) {
      throw invalid(
        `${JSON.stringify(part)} is an invalid component of ${JSON.stringify(text)}: platform specifier component must match ${JSON.stringify(componentPattern.source)}`,
      );
    }
  }
  const os = {
    os: osMatch[1] as string,
    ...(osMatch[2] ? { osVersion: decodeOption(osMatch[2], text) } : {}),
    ...(osMatch[3]
      ? {
          osFeatures: osMatch[3]
            .slice(1)
            .split("+")
            .map((f) => decodeOption(f, text)),
        }
      : {}),
  };
  if (architecture === undefined) return parseSingle(text, os, options.native ?? currentPlatform());
  if (parts.length > 3) throw invalid(`${JSON.stringify(text)}: cannot parse platform specifier`);
  return normalizePlatform({ ...os, architecture, ...(variant === undefined ? {} : { variant }) });
}

/** One word is an operating system or an architecture; unknown ones are refused, since one of the two has to be guessed. */
function parseSingle(text: string, os: Omit<Platform, "architecture">, native: Platform): Platform {
  const asOs = normalizePlatform({
    ...os,
    architecture: native.architecture,
    ...(native.variant ? { variant: native.variant } : {}),
  });
  if (knownOs.has(asOs.os)) return asOs;
  const asArchitecture = normalizePlatform({ os: native.os, architecture: text });
  if (knownArchitectures.has(asArchitecture.architecture)) return asArchitecture;
  throw invalid(`${JSON.stringify(text)}: unknown operating system or architecture`);
}

/** One spelling for each platform: lower case, aliases replaced, default variants dropped (`arm64/v8`, `amd64/v1`) or, for `arm`, added (`v7`). */
export function normalizePlatform(platform: Platform): Platform {
  const os = platform.os.toLowerCase();
  const { architecture, variant } = normalizeArchitecture(platform.architecture, platform.variant ?? "");
  return {
    os: os === "macos" ? "darwin" : os,
    architecture,
    ...(variant === "" ? {} : { variant }),
    ...(platform.osVersion ? { osVersion: platform.osVersion } : {}),
    ...(platform.osFeatures?.length ? { osFeatures: platform.osFeatures } : {}),
  };
}

function normalizeArchitecture(architecture: string, variantText: string): { architecture: string; variant: string } {
  const variant = variantText.toLowerCase();
  const name = architecture.toLowerCase();
  switch (name) {
    case "i386":
      return { architecture: "386", variant: "" };
    case "x86_64":
    case "x86-64":
    case "amd64":
      return { architecture: "amd64", variant: variant === "v1" ? "" : variant };
    case "aarch64":
    case "arm64":
      if (["8", "v8", "v8.0"].includes(variant)) return { architecture: "arm64", variant: "" };
      if (["9", "9.0", "v9.0"].includes(variant)) return { architecture: "arm64", variant: "v9" };
      return { architecture: "arm64", variant };
    case "armhf":
      return { architecture: "arm", variant: "v7" };
    case "armel":
      return { architecture: "arm", variant: "v6" };
    case "arm":
      return {
        architecture: "arm",
        variant: variant === "" ? "v7" : /^[5-8]$/.test(variant) ? `v${variant}` : variant,
      };
    default:
      return { architecture: name, variant };
  }
}

/** `os/architecture[/variant]`, normalized: `linux/arm64` (never `/v8`), `linux/arm/v7`. Parses back to an equal platform. */
export function formatPlatform(platform: Platform): string {
  const { os, architecture, variant } = normalizePlatform(platform);
  return [os === "" ? "unknown" : os, architecture, variant].filter(Boolean).join("/");
}

/** Everything as it stands, not normalized, with version and features of the os: `windows(10.0.17763)/amd64`, `linux/arm64/v8`. */
export function formatPlatformFull(platform: Platform): string {
  if (platform.os === "") return "unknown";
  const features = [...(platform.osFeatures ?? [])]
    .sort()
    .map((f) => `+${encodeOption(f)}`)
    .join("");
  const version = encodeOption(platform.osVersion ?? "") + features;
  return [platform.os + (version === "" ? "" : `(${version})`), platform.architecture, platform.variant]
    .filter(Boolean)
    .join("/");
}

/** Whether both name the same platform after normalization, versions and features of the os included. */
export function platformsEqual(a: Platform, b: Platform): boolean {
  return formatPlatformFull(normalizePlatform(a)) === formatPlatformFull(normalizePlatform(b));
}

/** The platform that this process runs on. */
export function currentPlatform(): Platform {
  const names: Record<string, string> = {
    x64: "amd64",
    ia32: "386",
    ppc64: endianness() === "LE" ? "ppc64le" : "ppc64",
    mipsel: "mipsle",
    mips64el: "mips64le",
  };
  const architecture = names[process.arch] ?? process.arch;
  const armVersion = (process.config.variables as { arm_version?: string }).arm_version;
  return normalizePlatform({
    os: process.platform === "win32" ? "windows" : process.platform,
    architecture,
    ...(architecture === "arm" && armVersion ? { variant: `v${armVersion}` } : {}),
  });
}

function decodeOption(text: string, whole: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw invalid(`${JSON.stringify(text)} is an invalid OS option of ${JSON.stringify(whole)}`);
  }
}

function encodeOption(text: string): string {
  return text.replace(/[^A-Za-z0-9_.-]/g, (c) =>
    encodeURIComponent(c).replace(/^[^%]/, (d) => `%${d.charCodeAt(0).toString(16).toUpperCase()}`),
  );
}

function invalid(message: string): BuildError {
  return new BuildError("invalid_argument", `${message}: invalid argument`);
}
