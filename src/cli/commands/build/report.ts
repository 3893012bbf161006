import { realpath, rename, rm, stat, writeFile } from "node:fs/promises";
import { resolve } from "node:path";
import { type BuildResult, checkDestinationFile, imageId, metadataJson } from "../../../build/mod.ts";
import type { ProgressMode } from "../../../progress/mod.ts";
import type { CliContext } from "../../context.ts";

/** The flags that ask for a report. */
export interface ReportFlags {
  readonly "metadata-file": string;
  readonly iidfile: string;
}

/** Looks whether the reports can be written, before the build. @throws {BuildError} naming the path */
export async function checkReports(flags: ReportFlags, { cwd }: Pick<CliContext, "cwd">): Promise<void> {
  for (const path of [flags.iidfile, flags["metadata-file"]]) if (path !== "") await checkDestinationFile(path, cwd);
}

/** Tells of a build that went well, where and how the flags ask for it. */
export async function reportResult(
  result: BuildResult,
  options: {
    readonly flags: ReportFlags;
    readonly mode: ProgressMode;
    readonly context: CliContext;
    /** Of the build, as JSON, for the metadata file. */
    readonly warnings: readonly object[];
  },
): Promise<void> {
  const { flags, mode, context, warnings } = options;
  const id = imageId(result);
  const write = (path: string, text: string) => writeWhole(resolve(context.cwd, path), text);
  if (flags.iidfile !== "") await write(flags.iidfile, id ?? ""); // no image: what an earlier build has left there is wrong now
  if (flags["metadata-file"] !== "") await write(flags["metadata-file"], metadataJson(result, warnings));
  const message = result.response["frontend.result.inlinemessage"];
  if (message) context.stdout.write(message.endsWith("\n") ? message : `${message}\n`);
  if (mode === "quiet" && id !== undefined) context.stdout.write(`${id}\n`);
}

/** Puts a file in place whole, so that nobody reads half of it. What is no plain file (a pipe, a device) is written to directly. */
async function writeWhole(path: string, text: string): Promise<void> {
  const existing = await stat(path).catch(() => undefined);
  if (existing && !existing.isFile()) return await writeFile(path, text);
  const target = existing ? await realpath(path) : path;
  const partial = `${target}.${process.pid}.partial`;
  try {
    await writeFile(partial, text, { mode: 0o644 });
    await rename(partial, target);
  } catch (error) {
    await rm(partial, { force: true });
    throw error;
  }
}
