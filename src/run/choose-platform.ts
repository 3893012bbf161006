import { BuildError } from "../base/errors/mod.ts";
import { formatPlatform, type ImageConfig, type Platform, platformMatcher, platformOfConfig } from "../oci/mod.ts";

/**
 * As which platform an image is run: the one that its config names, if that is what was asked for and the engine's machine can run it.
 * @param options.asked what was asked for; `undefined`: whatever fits the machine
 * @param options.runnable what the engine's machine runs, its own platform first
 * @throws {BuildError} `failed_precondition` naming both platforms, and what to do
 */
export function choosePlatform(
  config: ImageConfig,
  options: { readonly image: string; readonly asked: Platform | undefined; readonly runnable: readonly Platform[] },
): { readonly platform: Platform; readonly warning?: string } {
  const { image, asked, runnable } = options;
  const [machine] = runnable;
  const wanted = asked ?? machine;
  if (!wanted || !machine) throw new BuildError("unavailable", "the engine does not say what its machine runs");
  // Images that say nothing of themselves are what they were asked to be.
  const platform = config.architecture === "" ? wanted : platformOfConfig(config);
  const name = formatPlatform(platform);
  if (asked && !platformMatcher(asked).matches(platform)) {
    throw new BuildError(
      "failed_precondition",
      `image ${image} was found but its platform (${name}) does not match the specified platform (${formatPlatform(asked)}): leave --platform out, or ask for ${name}`,
    );
  }
  if (!runnable.some((candidate) => platformMatcher(candidate).matches(platform))) {
    const can = runnable.map(formatPlatform).join(", ");
    const remedy =
      platform.os === machine.os
        ? `install an emulator on that machine (polyarch binfmt --install ${platform.architecture}; Debian, Ubuntu: apt-get install qemu-user-static), or use a builder with a ${name} machine`
        : `use a builder with a ${name} machine`;
    throw new BuildError(
      "failed_precondition",
      `cannot run image ${image}: it is for ${name}, the engine's machine is ${formatPlatform(machine)} and has no emulator for it: ${remedy}. Supported: ${can}`,
    );
  }
  if (asked || platformMatcher(machine).matches(platform)) return { platform };
  return {
    platform,
    warning: `The requested image's platform (${name}) does not match the detected host platform (${formatPlatform(machine)}) and no specific platform was requested`,
  };
}
