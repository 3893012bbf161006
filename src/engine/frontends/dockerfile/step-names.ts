import { type Environment, type EnvironmentList, expand } from "../../../dockerfile/mod.ts";
import { formatPlatformFull, normalizePlatform, parsePlatform, type Platform } from "../../../oci/mod.ts";

/**
 * What stands in brackets in front of a step: `[linux/arm64 build 2/5] `.
 * @param name of the stage; empty in a file with one stage
 */
export function stepPrefix(step: {
  readonly platform: Platform | undefined;
  readonly environment: EnvironmentList;
  readonly name: string;
  readonly index: number;
  readonly total: number;
}): string {
  const { platform, name, index, total } = step;
  const where = platform ? `${formatPlatformFull(platform)}${crossSuffix(platform, step.environment)} ` : "";
  const stage = name === "" ? "" : `${name} `;
  return `[${where}${stage}${String(index).padStart(String(total).length)}/${total}] `;
}

/** `->arm64` where a stage says that it makes something for another platform than its own. */
function crossSuffix(own: Platform, environment: EnvironmentList): string {
  const target = targetOf(own, environment);
  if (!target) return "";
  if (target.os !== own.os) return `->${formatPlatformFull(target)}`;
  if (target.architecture === own.architecture) return "";
  return `->${target.architecture}${target.variant ? `/${target.variant}` : ""}`;
}

/** The platform that the stage was told about by TARGET… variables. */
function targetOf(own: Platform, environment: EnvironmentList): Platform | undefined {
  const whole = environment.get("TARGETPLATFORM");
  if (whole !== undefined) {
    try {
      return parsePlatform(whole);
    } catch {
      // overridden by somebody with something else: the parts may still say
    }
  }
  const os = environment.get("TARGETOS");
  const architecture = environment.get("TARGETARCH");
  const variant = environment.get("TARGETVARIANT");
  if (os === undefined && architecture === undefined && variant === undefined) return undefined;
  return normalizePlatform({
    os: os || own.os,
    architecture: architecture || own.architecture,
    ...(variant && { variant }),
  });
}

/** What variables may add to a name. */
const maxNameLength = 16 * 1024;

/** An instruction as people see it: keyword in capitals, variables replaced as far as they are known. */
export function stepText(
  source: string,
  options: { readonly environment: Environment; readonly escape: "\\" | "`"; readonly keepQuotes: boolean },
): string {
  const { environment, escape, keepQuotes } = options;
  let shown = source;
  try {
    shown = expand(source, {
      environment,
      escape,
      rawQuotes: keepQuotes,
      keepUnset: keepQuotes,
      maxLength: maxNameLength,
    }).text;
  } catch {
    // only for people to read: then without variables
  }
  const at = shown.indexOf(" ");
  return at < 0 ? shown.toUpperCase() : shown.slice(0, at).toUpperCase() + shown.slice(at);
}
