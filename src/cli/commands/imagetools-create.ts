import { readFile, rename, rm, writeFile } from "node:fs/promises";
import { resolve } from "node:path";
import { BuildError, messageOf } from "../../base/errors/mod.ts";
import {
  mergeImage,
  type Merged,
  parseAnnotation,
  parseSource,
  placeSources,
  pushCompatibly,
  type PushedCompatibly,
  resolveSource,
} from "../../imagetools/mod.ts";
import {
  type Descriptor,
  descriptorToJson,
  parsePlatform,
  parseReference,
  type Platform,
  type Reference,
  repositoryName,
} from "../../oci/mod.ts";
import { chooseMode, openDisplay } from "../../progress/mod.ts";
import { formChangeWarning, type Registry } from "../../registry/mod.ts";
import type { Invocation } from "../command.ts";
import type { CliContext } from "../context.ts";
import { registryOfBuilder } from "../registry.ts";
import type { imagetoolsCreateFlags } from "./imagetools.ts";
import { PushSteps } from "./imagetools/push-steps.ts";

type CreateInvocation = Invocation<typeof imagetoolsCreateFlags>;

/** Runs `imagetools create [SOURCE...]`. */
export async function runCreate(invocation: CreateInvocation): Promise<number> {
  const { context, flags, args } = invocation;
  const { signal, stdout } = context;
  if (args.length === 0 && flags.file.length === 0) throw new Error("no sources specified");
  if (!flags["dry-run"] && flags.tag.length === 0) {
    throw new Error("can't push with no tags specified, please set --tag or --dry-run");
  }
  const mode = chooseMode(flags.progress, { env: context.env, isTty: context.stderr.isTTY === true });
  const fromFiles = await Promise.all(flags.file.map((path) => readFile(resolve(context.cwd, path), "utf8")));
  const targets = flags.tag.map(parseTarget);
  const appended = flags.append ? flags.tag.slice(0, 1) : [];
  const sources = [...appended, ...fromFiles, ...args].map(refuseLayout).map(parseSource);
  const platforms = flags.platform.flatMap((text) => text.split(",")).map(parseWantedPlatform);
  const annotations = flags.annotation.flatMap(parseWantedAnnotation);
  const placed = placeSources(sources, targets);

  await using registry = await registryOfBuilder(invocation);
  const resolved = await Promise.all(placed.map((place) => resolveSource(registry, place, { signal })));
  const merged = await mergeImage(registry, resolved, {
    annotations,
    platforms,
    preferIndex: flags["prefer-index"],
    signal,
  });
  if (flags["dry-run"]) {
    stdout.write(Buffer.concat([merged.bytes, Buffer.from("\n")]));
    return 0;
  }
  const display = openDisplay({
    mode,
    output: context.stderr,
    env: context.env,
    now: context.now,
    debug: invocation.globals.debug,
  });
  let pushed: PushedCompatibly;
  try {
    const mayChangeFormat = annotations.length === 0;
    pushed = await push(registry, merged, targets, {
      steps: new PushSteps(display, context.now),
      mayChangeFormat,
      signal,
    });
  } finally {
    display.finish();
  }
  if (flags["metadata-file"] !== "") await writeMetadata(flags["metadata-file"], pushed.descriptor, targets, context);
  return 0;
}

async function push(
  registry: Registry,
  merged: Merged,
  targets: readonly Reference[],
  options: { readonly steps: PushSteps; readonly mayChangeFormat: boolean; readonly signal: AbortSignal },
): Promise<PushedCompatibly> {
  const { steps } = options;
  const pushed = await pushCompatibly(registry, merged, targets, {
    ...options,
    onEvent: (event) => steps.show(event),
  });
  if (pushed.changed) steps.warn(formChangeWarning(pushed.changed.refused, pushed.changed.change));
  return pushed;
}

function parseTarget(text: string): Reference {
  return parseReference(refuseLayout(text));
}

function refuseLayout(text: string): string {
  if (!text.startsWith("oci-layout://")) return text;
  throw new BuildError(
    "unimplemented",
    `${JSON.stringify(text)}: imagetools create works on registries only; copy to or from an OCI layout with skopeo, or build with --output type=oci`,
  );
}

function parseWantedPlatform(text: string): Platform {
  try {
    return parsePlatform(text);
  } catch (cause) {
    throw new Error(`invalid platform ${JSON.stringify(text)}: ${messageOf(cause)}`, { cause });
  }
}

function parseWantedAnnotation(text: string) {
  try {
    return parseAnnotation(text);
  } catch (cause) {
    throw new Error(`failed to parse annotations: ${messageOf(cause)}`, { cause });
  }
}

/** Written beside and renamed: nobody ever reads half of it. */
async function writeMetadata(
  path: string,
  descriptor: Descriptor,
  targets: readonly Reference[],
  { cwd }: CliContext,
): Promise<void> {
  const metadata = {
    "containerimage.descriptor": descriptorToJson(descriptor),
    "image.name": [...new Set(targets.map(repositoryName))].toSorted().join(","),
  };
  const file = resolve(cwd, path);
  const fresh = `${file}.${process.pid}.tmp`;
  try {
    await writeFile(fresh, JSON.stringify(metadata, undefined, 2), { mode: 0o644 });
    await rename(fresh, file);
  } catch (error) {
    await rm(fresh, { force: true });
    throw error;
  }
}
