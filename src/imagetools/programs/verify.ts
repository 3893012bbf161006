import { join, resolve } from "node:path/posix";
import { type ContainerConfig, formatPlatform, type Platform } from "../../oci/mod.ts";
import type { ProgramTree } from "./program-tree.ts";

/** What the programs of an image really are. */
export interface ImagePrograms {
  /** What the image starts, and for which platform that is made; absent when it starts nothing. */
  readonly Started?: { readonly Path: string; readonly Platform: string };
  /** How many programs there are for each platform, and some of them. */
  readonly Platforms: Readonly<Record<string, { readonly Count: number; readonly Examples: readonly string[] }>>;
  /** Why containers of this image will not start on the platform that it claims, with what to do about it; empty: nothing speaks against it. */
  readonly Problems: readonly string[];
}

const mostExamples = 3;
/** A script whose interpreter is a script: the kernel follows so many. */
const deepest = 5;
const usualPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/** Compares what an image says it is for with what is in it. Only what it starts counts: many images hold programs for other machines on purpose. */
export function verifyPrograms(tree: ProgramTree, config: ContainerConfig, platform: Platform): ImagePrograms {
  const platforms: Record<string, { Count: number; Examples: string[] }> = {};
  for (const [path, { architecture }] of tree.programs()) {
    const group = (platforms[nameOf(architecture, platform)] ??= { Count: 0, Examples: [] });
    group.Count++;
    if (group.Examples.length < mostExamples) group.Examples.push(path);
  }
  const command = [...(config.Entrypoint ?? []), ...(config.Cmd ?? [])][0];
  if (command === undefined) return { Platforms: platforms, Problems: onlyForeign(platforms, platform) };
  const started = startedBy(tree, command, config);
  if (!started) {
    const why = `it starts ${command}, which is no program in it: check ENTRYPOINT, CMD and PATH`;
    return { Platforms: platforms, Problems: [why] };
  }
  return {
    Started: { Path: started.path, Platform: started.is },
    Platforms: platforms,
    Problems: started.problem === undefined ? [] : [started.problem],
  };

  /** What the kernel would come to, through scripts and their interpreters. */
  function startedBy(
    within: ProgramTree,
    name: string,
    { Env, WorkingDir }: ContainerConfig,
  ): { readonly path: string; readonly is: string; readonly problem?: string } | undefined {
    const search = Env?.findLast((entry) => entry.startsWith("PATH="))?.slice("PATH=".length) ?? usualPath;
    const candidates = name.includes("/")
      ? [resolve(WorkingDir || "/", name)]
      : search.split(":").map((directory) => join("/", directory, name));
    let found = candidates.map((path) => within.at(path)).find((program) => program !== undefined);
    for (let depth = 0; found?.program.type === "script" && depth < deepest; depth++) {
      const script = found;
      const { interpreter } = found.program;
      found = within.at(interpreter);
      if (found) continue;
      const problem = `it starts ${script.path}, a script for ${interpreter}, which is not in it: install that, or change the script's first line`;
      return { path: script.path, is: "script", problem };
    }
    if (!found) return undefined;
    const { path, program } = found;
    if (program.type !== "elf") {
      const problem = `it starts ${path}, which is neither a program nor a script with an interpreter in its first line (#!/bin/sh)`;
      return { path, is: "unknown", problem };
    }
    const is = nameOf(program.architecture, platform);
    if (!fits(program.architecture, platform)) return { path, is, problem: foreign(path, is, platform) };
    if (program.interpreter !== undefined && !within.has(program.interpreter)) {
      const problem = `it starts ${path}, which needs ${program.interpreter}, and that is not in it: link it statically, or use a base image with that C library`;
      return { path, is, problem };
    }
    return { path, is };
  }
}

/** An image that starts nothing is a base for others: they can do nothing with programs that are all for another machine. */
function onlyForeign(platforms: ImagePrograms["Platforms"], platform: Platform): readonly string[] {
  const own = nameOf(platform.architecture, platform);
  const [first] = Object.entries(platforms);
  if (!first || Object.hasOwn(platforms, own)) return [];
  return [foreign(first[1].Examples[0] ?? "", first[0], platform)];
}

function foreign(path: string, is: string, platform: Platform): string {
  const claimed = formatPlatform(platform);
  return `it says that it is for ${claimed}, but ${path} is a program for ${is}: build it for ${claimed} (is a FROM or a COPY --from for another platform?), or build the image with --platform ${is}`;
}

/** Processors that run programs of their forerunners as well. */
function fits(architecture: string | undefined, { architecture: own }: Platform): boolean {
  return architecture === own || (own === "amd64" && architecture === "386");
}

function nameOf(architecture: string | undefined, { os }: Platform): string {
  return architecture === undefined ? "another machine" : formatPlatform({ os, architecture });
}
