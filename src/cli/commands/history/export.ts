import { createWriteStream } from "node:fs";
import { resolve } from "node:path";
import { finished } from "node:stream/promises";
import { type BuildRecord, finalized, findBuild, queryBuilds, writeBundle } from "../../../history/mod.ts";
import type { Invocation } from "../../command.ts";
import type { historyExportFlags } from "../history.ts";
import { openPlace } from "./place.ts";

/** Runs `history export [REF...]`: without a reference the latest build. */
export async function runExport(invocation: Invocation<typeof historyExportFlags>): Promise<number> {
  const { context, flags, args } = invocation;
  const { signal, stdout, cwd } = context;
  if (args.length > 0 && flags.all) throw new Error("cannot specify refs when using --all");
  if (flags.output === "" && stdout.isTTY)
    throw new Error("refusing to write to console, use --output to specify a file");
  await using place = await openPlace(invocation);
  const builds: BuildRecord[] = [];
  if (flags.all) builds.push(...(await queryBuilds(place, {}, { signal })).filter(({ completed }) => completed));
  else {
    for (const word of args.length > 0 ? args : [""]) {
      builds.push(await findBuild(place, word, { signal, endedToBe: "exported" }));
    }
  }
  if (builds.length === 0) throw new Error("no records found");
  const whole = flags.finalize
    ? await Promise.all(builds.map(async (build) => await finalized(build, place, { signal })))
    : builds;
  if (flags.output === "") {
    await writeBundle(whole, stdout, { signal });
    return 0;
  }
  const file = createWriteStream(resolve(cwd, flags.output));
  try {
    await writeBundle(whole, file, { signal });
  } finally {
    file.end();
  }
  await finished(file);
  return 0;
}
