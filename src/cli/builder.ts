import { BuildError } from "../base/errors/mod.ts";
import { Builders, embeddedBuilder } from "../builder/mod.ts";
import { askedBuilder } from "./asked-builder.ts";
import type { Invocation } from "./command.ts";
import type { CliContext } from "./context.ts";

/** All builders of this user. */
export async function openBuilders({ env, home, now, engineCommand }: CliContext): Promise<Builders> {
  return await Builders.open({
    env,
    home,
    now,
    engineCommand,
    uid: process.getuid?.() ?? 0,
    hasEmbedded: process.platform === "linux",
  });
}

/** Checks that there is the builder that is asked for. @throws {BuildError} `no builder "X" found` */
export async function checkBuilder(invocation: Pick<Invocation, "globals" | "context">): Promise<void> {
  const name = askedBuilder(invocation);
  if (name !== "") await (await openBuilders(invocation.context)).select(name);
}

/**
 * The builder's name for a command that only our own engine serves.
 * @throws {BuildError} when another builder is asked for
 */
export function builderName(invocation: Pick<Invocation, "globals" | "context">): string {
  const asked = askedBuilder(invocation);
  if (asked === "" || asked === embeddedBuilder || asked === "default") return embeddedBuilder;
  throw new BuildError(
    "unimplemented",
    `builder ${JSON.stringify(asked)} cannot be used for this yet: only ${JSON.stringify(embeddedBuilder)} can, polyarch's own engine (leave out --builder and unset BUILDX_BUILDER)`,
  );
}
