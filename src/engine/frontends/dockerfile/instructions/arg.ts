import type { ArgInstruction } from "../../../../dockerfile/mod.ts";
import { nonEnvironmentArgs } from "../predefined-args.ts";
import type { Stage } from "../stage.ts";

/** Brings build arguments into the stage: what the request says, else the default, else the value from in front of the first FROM. */
export function applyArg(stage: Stage, { args }: ArgInstruction): void {
  const { options, globalArgs } = stage.conversion;
  const texts = args.map(({ key, value: fallback }) => {
    const given = Object.hasOwn(options.buildArgs, key) ? options.buildArgs[key] : undefined;
    // A default that is not used is not looked at: it may well not be expandable.
    const value = given ?? (fallback === undefined ? globalArgs.get(key) : stage.expand(fallback));
    if (value !== undefined && !nonEnvironmentArgs.has(key)) stage.setVariable(key, value);
    stage.args.push({ key, value });
    return value === undefined ? key : `${key}=${value}`;
  });
  stage.record(`ARG ${texts.join(" ")}`, { layer: false });
}
