import { goQuote } from "../../../base/text/go-values/mod.ts";
import { suggestion } from "../../../base/text/suggest/mod.ts";
import {
  type Dockerfile,
  type EnvironmentList,
  expand,
  type Expansion,
  type FromInstruction,
  type Linter,
} from "../../../dockerfile/mod.ts";
import { parsePlatform, parseReference, type Platform } from "../../../oci/mod.ts";
import type { Conversion } from "./stage.ts";

/** Variables of a FROM line that no ARG in front of the first FROM declares. */
export function lintUndeclared(
  { range, comments }: FromInstruction,
  unmatched: ReadonlySet<string>,
  { globalArgs, globalParameters, linter }: Conversion,
): void {
  const known = new Set([...globalArgs.names(), ...globalParameters.keys()]);
  for (const name of unmatched) {
    if (known.has(name)) continue;
    const near = suggestion(name, [...known]);
    const hint = near === undefined ? "" : ` (did you mean ${near}?)`;
    linter.report("UndefinedArgInFrom", range, `FROM argument '${name}' is not declared${hint}`, comments);
  }
}

/** A platform that is the default anyway, or that nobody can choose. */
export function lintPlatform(
  from: FromInstruction,
  text: string,
  { text: expanded, matched, unmatched }: Expansion,
  { globalArgs, linter }: Conversion,
): void {
  const { range, comments } = from;
  const isTarget = matched.size === 1 && unmatched.size === 0 && matched.has("TARGETPLATFORM");
  if (isTarget && expanded === globalArgs.get("TARGETPLATFORM")) {
    const message = `Setting platform to predefined ${text} in FROM is redundant as this is the default behavior`;
    linter.report("RedundantTargetPlatform", range, message, comments);
  }
  if (matched.size > 0 || unmatched.size > 0) return;
  const platform = platformOf(expanded);
  const name = from.stageName ?? "";
  // A name that speaks of the platform shows that it is meant.
  if (!platform || name.includes(platform.os) || name.includes(platform.architecture)) return;
  const message = `FROM --platform flag should not use constant value ${goQuote(expanded)}`;
  linter.report("FromPlatformFlagConstDisallowed", range, message, comments);
}

function platformOf(text: string): Platform | undefined {
  try {
    return parsePlatform(text);
  } catch {
    return undefined; // told by whoever needs it
  }
}

/**
 * Bases that only make sense where somebody sets an argument.
 * @param defaults arguments as they are when nobody sets any
 */
export function lintDefaultBases(
  { stages }: Dockerfile,
  { defaults, escape, linter }: { defaults: EnvironmentList; escape: "\\" | "`"; linter: Linter },
): void {
  for (const { from } of stages) {
    try {
      const { text } = expand(from.base, { environment: defaults, escape });
      if (isReference(text)) continue;
    } catch {
      return; // told when the arguments that count are put in
    }
    const message = `Default value for ARG ${from.base} results in empty or invalid base image name`;
    linter.report("InvalidDefaultArgInFrom", from.range, message);
  }
}

function isReference(text: string): boolean {
  try {
    parseReference(text);
    return true;
  } catch {
    return false;
  }
}
