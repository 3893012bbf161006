import { asBuildError } from "../../../base/errors/mod.ts";
import { type BuildRecord, findBuild, queryBuilds } from "../../../history/mod.ts";
import type { Invocation } from "../../command.ts";
import type { historyRmFlags } from "../history.ts";
import { openPlace } from "./place.ts";

/** Runs `history rm`. Every build that can be found is removed, whatever becomes of the others. */
export async function runRm(invocation: Invocation<typeof historyRmFlags>): Promise<number> {
  const { context, flags, args } = invocation;
  const { signal } = context;
  if (args.length === 0 && !flags.all) throw new Error("rm requires either --all or at least one argument");
  if (args.length > 0 && flags.all) throw new Error("cannot specify refs when using --all");
  await using place = await openPlace(invocation);
  const failures: unknown[] = [];
  const builds: BuildRecord[] = [];
  if (flags.all) builds.push(...(await queryBuilds(place, {}, { signal })).filter(({ completed }) => completed));
  for (const word of args) {
    await findBuild(place, word, { signal }).then(
      (build) => builds.push(build),
      (error: unknown) => failures.push(error),
    );
  }
  for (const { node, ref } of builds) {
    try {
      await node.client.deleteHistory(ref, { signal });
      await place.forget(node.name, ref);
    } catch (error) {
      failures.push(error);
    }
  }
  if (failures.length > 0) throw new Error(failures.map((failure) => asBuildError(failure).message).join("\n"));
  return 0;
}
