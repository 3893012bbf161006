import { join, relative } from "node:path";
import { compileTemplate } from "../../../base/text/go-template/mod.ts";
import { type BuildRecord, findBuild } from "../../../history/mod.ts";
import type { Invocation } from "../../command.ts";
import type { historyInspectFlags } from "../history.ts";
import { type BuildDetails, buildDetails } from "./details.ts";
import { openPlace } from "./place.ts";
import { prettyDetails } from "./pretty.ts";
import { templateFields } from "./template-fields.ts";

/** Runs `history inspect [REF]`. */
export async function runInspect(invocation: Invocation<typeof historyInspectFlags>): Promise<number> {
  const { context, flags, args } = invocation;
  const { signal, stdout, now, cwd, program } = context;
  const template = ["pretty", "json"].includes(flags.format) ? undefined : compileTemplate(flags.format);
  await using place = await openPlace(invocation);
  const build = await findBuild(place, args[0] ?? "", { signal });
  const { details, failure } = await buildDetails(build, sourcesOf(build, cwd), now(), { signal });
  stdout.write(
    template
      ? `${template.render(templateFields(build, details, now()))}\n`
      : flags.format === "json"
        ? `${JSON.stringify(details, undefined, 2)}\n`
        : prettyDetails(details, failure, { program, isLatest: args.length === 0 }),
  );
  return 0;
}

/** Context and Dockerfile for people: the one as seen from here, the other as seen from the context. */
function sourcesOf({ local, wire }: BuildRecord, cwd: string): Pick<BuildDetails, "Context" | "Dockerfile"> {
  const { context: remote = "", filename = "" } = wire.FrontendAttrs;
  const directory = wire.FrontendAttrs["vcs:localdir:dockerfile"] ?? "";
  const { localPath = "", dockerfilePath = "" } = local ?? {};
  const context = localPath.startsWith("/") ? seenFrom(cwd, localPath) : localPath || remote;
  const file = dockerfilePath.startsWith("/") ? seenFrom(localPath, dockerfilePath) : dockerfilePath;
  const dockerfile = file || (filename && join(directory, filename));
  return { ...(context === "" ? {} : { Context: context }), ...(dockerfile === "" ? {} : { Dockerfile: dockerfile }) };
}

/** A path from a directory, unless it is elsewhere. */
function seenFrom(directory: string, path: string): string {
  if (!directory.startsWith("/")) return path;
  const near = relative(directory, path) || ".";
  return near.startsWith("../") ? path : near;
}
