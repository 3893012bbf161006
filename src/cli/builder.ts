import { requireBuilder } from "../builder/mod.ts";
import type { Invocation } from "./command.ts";

/** The builder that `--builder` or `BUILDX_BUILDER` names. @throws {BuildError} when there is none of that name */
export function builderName({ globals, context }: Pick<Invocation, "globals" | "context">): string {
  return requireBuilder(globals.builder || (context.env.BUILDX_BUILDER ?? ""));
}
