import { BuildError } from "../../../base/errors/mod.ts";
import { image, type RunOptions, scratch, type State } from "../../../llb/mod.ts";
import type { ImageConfig, Platform } from "../../../oci/mod.ts";

/** Name of the list of the result itself; those of other trees are called `sbom-<name>`. */
export const coreName = "sbom";
const sourceDir = "/run/src/";
const outDir = "/run/out/";

/** Trees that are looked through. */
export interface ScanTargets<Tree> {
  /** The result. */
  readonly core: Tree;
  /** What else its build has used, by name: stages, the build context. */
  readonly extras: ReadonlyMap<string, Tree>;
}

/** Who looks through them. */
export interface ScannerImage {
  /** As people know it. */
  readonly name: string;
  /** What is run. */
  readonly pinned: string;
  readonly config: ImageConfig;
  readonly platform: Platform;
}

/**
 * The run of a scanner: an image that finds the trees below `/run/src`, and writes what is in them to `/run/out`.
 * @param options.title which result it is about, as the step's name says it
 * @returns the directory of statements that it leaves
 * @throws {BuildError} `scanner X does not have cmd`
 * @see https://github.com/moby/buildkit/blob/master/docs/attestations/sbom-protocol.md
 */
export function scannerRun(
  scanner: ScannerImage,
  { core, extras }: ScanTargets<State>,
  options: {
    readonly title: string;
    readonly parameters: Readonly<Record<string, string>>;
    readonly ignoreCache: boolean;
  },
): State {
  const { name, pinned, platform, config } = scanner;
  const { Entrypoint = [], Cmd = [], Env = [], WorkingDir } = config.config ?? {};
  const args = [...Entrypoint, ...Cmd];
  if (args.length === 0) throw new BuildError("unknown", `scanner ${name} does not have cmd`);
  const others = [...extras].toSorted(([a], [b]) => (a < b ? -1 : 1));
  const env = new Map<string, string>();
  for (const variable of Env) {
    const at = variable.indexOf("=");
    setLast(env, at < 0 ? [variable, ""] : [variable.slice(0, at), variable.slice(at + 1)]);
  }
  setLast(env, ["BUILDKIT_SCAN_DESTINATION", outDir]);
  setLast(env, ["BUILDKIT_SCAN_SOURCE", `${sourceDir}core/${coreName}`]);
  if (others.length > 0) setLast(env, ["BUILDKIT_SCAN_SOURCE_EXTRAS", `${sourceDir}extras`]);
  const parameters = Object.entries(options.parameters).toSorted(([a], [b]) => (a < b ? -1 : 1));
  for (const [key, value] of parameters) setLast(env, [`BUILDKIT_SCAN_${key}`, value]);
  const seen = ([place, from]: readonly [string, State]) =>
    ({ type: "bind", target: `${sourceDir}${place}`, from, readonly: true }) as const;
  const run: RunOptions = {
    args,
    env: [...env].map(([key, value]) => `${key}=${value}`),
    cwd: workingDirectory(WorkingDir),
    platform,
    mounts: [
      seen([`core/${coreName}`, core]),
      ...others.map(([key, from]) => seen([`extras/${coreName}-${key}`, from])),
      { type: "tmpfs", target: "/tmp" },
      { type: "bind", target: outDir, from: scratch, readonly: false, output: true },
    ],
  };
  return image(pinned, { platform }).runInto(outDir, run, {
    name: `[${options.title}] generating sbom using ${name}`,
    ...(options.ignoreCache && { ignoreCache: true }),
  });
}

/** What is set again goes to the end. */
function setLast(env: Map<string, string>, [key, value]: readonly [string, string]): void {
  env.delete(key);
  env.set(key, value);
}

function workingDirectory(path: string | undefined): string {
  if (!path) return "/";
  return path.startsWith("/") ? path : `/${path}`;
}
