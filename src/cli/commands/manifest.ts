import { type Command, defineCommand } from "../command.ts";
import type { FlagTable } from "../flags/flag.ts";

const insecure = { kind: "bool", usage: "Allow communication with an insecure registry" } as const;

/** The flags of `manifest create`. */
export const manifestCreateFlags = {
  amend: { kind: "bool", short: "a", usage: "Amend an existing manifest list" },
  insecure,
} as const satisfies FlagTable;

/** The flags of `manifest annotate`. */
export const manifestAnnotateFlags = {
  arch: { kind: "string", usage: "Set architecture" },
  os: { kind: "string", usage: "Set operating system" },
  "os-features": { kind: "slice", usage: "Set operating system feature" },
  "os-version": { kind: "string", usage: "Set operating system version" },
  variant: { kind: "string", usage: "Set architecture variant" },
} as const satisfies FlagTable;

/** The flags of `manifest inspect`. */
export const manifestInspectFlags = {
  insecure,
  verbose: { kind: "bool", short: "v", usage: "Output additional info including layers and platform" },
} as const satisfies FlagTable;

/** The flags of `manifest push`. */
export const manifestPushFlags = {
  insecure: { kind: "bool", usage: "Allow push to an insecure registry" },
  purge: { kind: "bool", short: "p", usage: "Remove the local manifest list after push" },
} as const satisfies FlagTable;

/** `manifest`: docker's commands to put manifest lists together on this machine, and to push them. */
export const manifestCommand: Command = {
  name: "manifest",
  summary: "Manage image manifests and manifest lists",
  flags: {},
  commands: [
    defineCommand({
      name: "annotate",
      summary: "Add additional information to a local image manifest",
      usage: "[OPTIONS] MANIFEST_LIST MANIFEST",
      args: { min: 2, max: 2 },
      flags: manifestAnnotateFlags,
      run: async (invocation) => (await import("./manifest-run.ts")).runAnnotate(invocation),
    }),
    defineCommand({
      name: "create",
      summary: "Create a local manifest list for annotating and pushing to a registry",
      usage: "MANIFEST_LIST MANIFEST [MANIFEST...]",
      args: { min: 2 },
      flags: manifestCreateFlags,
      run: async (invocation) => (await import("./manifest-run.ts")).runCreate(invocation),
    }),
    defineCommand({
      name: "inspect",
      summary: "Display an image manifest, or manifest list",
      usage: "[OPTIONS] [MANIFEST_LIST] MANIFEST",
      args: { min: 1, max: 2 },
      flags: manifestInspectFlags,
      run: async (invocation) => (await import("./manifest-inspect.ts")).runInspect(invocation),
    }),
    defineCommand({
      name: "push",
      summary: "Push a manifest list to a repository",
      usage: "[OPTIONS] MANIFEST_LIST",
      args: { min: 1, max: 1 },
      flags: manifestPushFlags,
      run: async (invocation) => (await import("./manifest-run.ts")).runPush(invocation),
    }),
    defineCommand({
      name: "rm",
      summary: "Delete one or more manifest lists from local storage",
      usage: "MANIFEST_LIST [MANIFEST_LIST...]",
      args: { min: 1 },
      flags: {},
      run: async (invocation) => (await import("./manifest-run.ts")).runRemove(invocation),
    }),
  ],
};
