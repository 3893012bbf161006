import { goQuote } from "../../../../base/text/go-values/mod.ts";
import { type ArgInstruction, expand, isSecretName } from "../../../../dockerfile/mod.ts";
import { nonEnvironmentArgs } from "../predefined-args.ts";
import type { Stage } from "../stage.ts";
import { descriptionOf } from "../stage-parameters.ts";

/** Brings build arguments into the stage: what the request says, else the default, else the value from in front of the first FROM. */
export function applyArg(stage: Stage, { args, range, comments }: ArgInstruction): void {
  const { options, globalArgs, escape } = stage.conversion;
  const texts = args.map(({ key, value: fallback }) => {
    if (isSecretName(key)) lintSecret(stage, "ARG", key);
    const given = Object.hasOwn(options.buildArgs, key) ? options.buildArgs[key] : undefined;
    const inherited = given === undefined && fallback === undefined ? globalArgs.get(key) : undefined;
    // A default that is not used is not looked at: it may well not be expandable.
    const value = given ?? inherited ?? (fallback === undefined ? undefined : stage.expand(fallback));
    if (value !== undefined && !nonEnvironmentArgs.has(key)) stage.setVariable(key, value);
    stage.args.push({ key, value });
    if (inherited === undefined) {
      const uses = fallback === undefined || given !== undefined ? new Set<string>() : namesIn(fallback, escape);
      const description = descriptionOf(key, comments);
      stage.parameters.args.set(key, { name: key, value: value ?? "", description, range, uses });
    }
    stage.parameters.usedArgs.add(key);
    return value === undefined ? key : `${key}=${value}`;
  });
  stage.record(`ARG ${texts.join(" ")}`, { layer: false });
}

/** Whoever has the image can read it. */
export function lintSecret(stage: Stage, instruction: "ARG" | "ENV", name: string): void {
  const what = `${instruction} ${goQuote(name)}`;
  stage.lint("SecretsUsedInArgOrEnv", `Do not use ARG or ENV instructions for sensitive data (${what})`);
}

function namesIn(text: string, escape: "\\" | "`"): ReadonlySet<string> {
  return expand(text, { escape, environment: { get: () => "" } }).matched;
}
