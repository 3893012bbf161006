import { BuildError } from "../base/errors/mod.ts";

/** The builder that is there without any being made. */
export const defaultBuilder = "default";

/**
 * The name of the builder to use for what was asked for; empty means nothing was.
 * @throws {BuildError} `no builder "X" found`
 */
export function requireBuilder(asked: string): string {
  if (asked === "" || asked === defaultBuilder || asked === "embedded") return defaultBuilder;
  throw new BuildError(
    "not_found",
    `no builder ${JSON.stringify(asked)} found: for now there is only "${defaultBuilder}", whose engine polyarch starts by itself (leave out --builder and unset BUILDX_BUILDER)`,
  );
}
