import { messageOf } from "../../../base/errors/mod.ts";
import { findBuild } from "../../../history/mod.ts";
import type { Invocation } from "../../command.ts";
import { buildUrl } from "./docker-desktop.ts";
import { openAddress } from "./open-address.ts";
import { openPlace } from "./place.ts";

/** Runs `history open [REF]`: has Docker Desktop show a build. */
export async function runOpen(invocation: Invocation<Record<never, never>>): Promise<number> {
  const { context, args } = invocation;
  const { signal, env, program } = context;
  await using place = await openPlace(invocation);
  const build = await findBuild(place, args[0] ?? "", { signal });
  try {
    await openAddress(buildUrl(build.fullRef), { env });
  } catch (cause) {
    const instead = `where there is no Docker Desktop, ${program} history inspect ${build.ref} shows the build`;
    throw new Error(`${messageOf(cause)}: ${instead}`, { cause });
  }
  return 0;
}
