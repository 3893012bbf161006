import type { FlagTable } from "../../cli/flags/flag.ts";
import type { Command } from "./command.ts";

const format = { kind: "string", usage: "Format the output using the given Go template, e.g, '{{json .}}'" } as const;
const filter = { kind: "array", short: "f", usage: "Filter records" } as const;
const verbose = { kind: "bool", short: "v", usage: "Verbose output" } as const;
const megabytes = (usage: string) => ({ kind: "string", usage: `${usage} (in MB)` }) as const;
const ref = { word: "REF", missing: "build ref must be specified" };

/** All commands by name; buildctl's own, but for those that build. */
export const commands: Readonly<Record<string, Command>> = {
  du: {
    usage: "Disk usage",
    flags: { filter, verbose, format },
    load: async () => (await import("./disk-usage.ts")).showDiskUsage,
  },
  prune: {
    usage: "Clean up build cache",
    flags: {
      "keep-duration": { kind: "duration", usage: "Keep data newer than this limit" },
      "keep-storage": megabytes("Keep data below this limit"),
      "keep-storage-min": megabytes("Always allow data above this limit"),
      "free-storage": megabytes("Keep free data below this limit"),
      filter,
      all: { kind: "bool", usage: "Include internal/frontend references" },
      verbose,
      format,
    },
    load: async () => (await import("./prune.ts")).prune,
  },
  "prune-histories": {
    usage: "Clean up build histories",
    flags: { format },
    load: async () => (await import("./histories.ts")).pruneHistories,
  },
  "dial-stdio": {
    usage: "Proxy stdin and stdout to the engine",
    flags: {},
    load: async () => (await import("./dial-stdio.ts")).dialStdio,
  },
  "debug workers": {
    usage: "List workers",
    flags: { filter, verbose, format },
    load: async () => (await import("./debug-workers.ts")).showWorkers,
  },
  "debug info": {
    usage: "Show the engine's version",
    flags: { format },
    load: async () => (await import("./debug-info.ts")).showInfo,
  },
  "debug histories": {
    usage: "List build records",
    flags: { format },
    load: async () => (await import("./histories.ts")).showHistories,
  },
  "debug logs": {
    usage: "Display build logs",
    argument: ref,
    flags: {
      progress: { kind: "string", usage: "Progress output type: auto, plain, tty, rawjson (default auto)" },
      trace: { kind: "bool", usage: "Show the build's trace instead" },
    },
    load: async () => (await import("./logs.ts")).showLogs,
  },
  "debug ctl": {
    usage: "Control build records",
    argument: ref,
    flags: {
      pin: { kind: "bool", usage: "Pin build so it will not be garbage collected" },
      unpin: { kind: "bool", usage: "Unpin build so it will be garbage collected" },
      delete: { kind: "bool", usage: "Delete build record" },
    },
    load: async () => (await import("./histories.ts")).controlHistory,
  },
  "debug get": {
    usage: "Retrieve a blob from the engine's content store",
    argument: { word: "DIGEST", missing: "blob digest must be specified" },
    flags: {},
    load: async () => (await import("./logs.ts")).getBlob,
  },
};

/** Flags of all commands; those of one name mean the same everywhere. */
export const commandFlags: FlagTable = Object.assign({}, ...Object.values(commands).map(({ flags }) => flags));
