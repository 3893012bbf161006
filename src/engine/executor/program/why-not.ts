import { join, resolve } from "node:path/posix";
import { readElfHeader } from "../../../binfmt/mod.ts";
import { formatPlatform, type Platform } from "../../../oci/mod.ts";
import { completeEnvironment } from "../bundle/mod.ts";
import type { ContainedProcess } from "../executor.ts";
import type { RootDirectory } from "../rootfs/mod.ts";

/** Enough of a program for its headers. */
const startBytes = 4096;
/** A script whose interpreter is a script whose interpreter …: the kernel follows so many. */
const deepest = 5;

/**
 * Why a program could not be started, from what it is: made for another architecture, without what would start it, or no program at all.
 * @param options.sure only what keeps a program from running whoever starts it: a shell takes what is no program for a script
 * @returns the reason and what to do about it; `undefined` when the file does not show any
 */
export function whyNot(
  root: RootDirectory,
  { args, env, cwd }: Pick<ContainedProcess, "args" | "env" | "cwd">,
  platform: Platform,
  { sure = false }: { readonly sure?: boolean } = {},
): string | undefined {
  const command = args[0] ?? "";
  const path = command.includes("/") ? resolve(cwd, command) : findInPath(root, command, env);
  return path === undefined ? undefined : whyNotFile(root, path, platform, sure);
}

function whyNotFile(
  root: RootDirectory,
  path: string,
  platform: Platform,
  sure: boolean,
  depth = 0,
): string | undefined {
  const start = root.readStart(path, { maxBytes: startBytes });
  if (!start) return undefined;
  if (start.byteLength === 0) return sure ? undefined : `${path} is empty: copy it again from where it was made`;
  const script = /^#![ \t]*([^\s\0]+)/.exec(Buffer.from(start.subarray(0, 256)).toString("latin1"))?.[1];
  if (script !== undefined) {
    if (!root.readStart(script, { maxBytes: 1 })) {
      return `${path} is a script for ${script}, which is not in this image: install it there, or change the script's first line`;
    }
    return depth < deepest ? whyNotFile(root, script, platform, sure, depth + 1) : undefined;
  }
  const elf = readElfHeader(start);
  if (!elf) {
    if (startsLikeElf(start))
      return `${path} is a program that breaks off in its header: copy it again from where it was made`;
    if (sure) return undefined;
    return `${path} is no program, and no script either: its first line does not name an interpreter (#!/bin/sh)`;
  }
  if (elf.architecture !== platform.architecture) return foreign(path, elf.architecture, platform);
  if (elf.interpreter !== undefined && !root.readStart(elf.interpreter, { maxBytes: 1 })) {
    return needsLoader(path, elf.interpreter);
  }
  return undefined;
}

/** What to say of a program whose loader is missing. */
export function needsLoader(program: string, loader: string): string {
  return `${program} is started by ${loader}, which is not in this image: it was made for another C library; link it statically, or use a base image with that library`;
}

function startsLikeElf(start: Uint8Array): boolean {
  return start.byteLength >= 4 && Buffer.from(start.subarray(0, 4)).equals(Buffer.from("\x7fELF", "latin1"));
}

function foreign(path: string, architecture: string | undefined, platform: Platform): string {
  const wanted = formatPlatform(platform);
  if (architecture === undefined) return `${path} is a program for a machine that no image is for, not for ${wanted}`;
  const its = formatPlatform({ os: platform.os, architecture });
  return `${path} is a program for ${its}, but this is a container for ${wanted}: build it for ${wanted}, take a base image that is really for ${wanted}, ask for ${its} (--platform ${its}), or have such programs emulated (polyarch binfmt --install ${architecture}; Debian, Ubuntu: apt-get install qemu-user-static)`;
}

function findInPath(root: RootDirectory, command: string, env: readonly string[]): string | undefined {
  const path =
    completeEnvironment(env, "")
      .findLast((entry) => entry.startsWith("PATH="))
      ?.slice("PATH=".length) ?? "";
  return path
    .split(":")
    .map((directory) => join("/", directory, command))
    .find((candidate) => root.readStart(candidate, { maxBytes: 1 }) !== undefined);
}
