import { type Command, defineCommand } from "../command.ts";
import type { FlagTable } from "../flags/flag.ts";

/** The flags of `history ls`. */
export const historyLsFlags = {
  filter: { kind: "array", usage: 'Provide filter values (e.g., "status=error")' },
  format: { kind: "string", default: "table", usage: "Format the output" },
  local: { kind: "bool", usage: "List records for current repository only" },
  "no-trunc": { kind: "bool", usage: "Don't truncate output" },
} as const satisfies FlagTable;

/** The flags of `history inspect`. */
export const historyInspectFlags = {
  format: { kind: "string", default: "pretty", usage: "Format the output" },
} as const satisfies FlagTable;

/** The flags of `history inspect attachment`. */
export const historyAttachmentFlags = {
  platform: { kind: "string", usage: "Platform of attachment" },
  type: {
    kind: "string",
    usage: "Type of attachment",
    complete: ["index", "manifest", "image", "provenance", "sbom"],
  },
} as const satisfies FlagTable;

/** The flags of `history logs`. */
export const historyLogsFlags = {
  progress: {
    kind: "string",
    default: "plain",
    usage: "Set type of progress output (plain, rawjson, tty)",
    complete: ["plain", "rawjson", "tty"],
  },
} as const satisfies FlagTable;

/** The flags of `history rm`. */
export const historyRmFlags = { all: { kind: "bool", usage: "Remove all build records" } } as const satisfies FlagTable;

/** The flags of `history export`. */
export const historyExportFlags = {
  all: { kind: "bool", usage: "Export all build records for the builder" },
  finalize: { kind: "bool", usage: "Ensure build records are finalized before exporting" },
  output: { kind: "string", short: "o", usage: "Output file path", complete: "file" },
} as const satisfies FlagTable;

/** The flags of `history import`. */
export const historyImportFlags = {
  file: { kind: "array", short: "f", usage: "Import from a file path", complete: "file" },
} as const satisfies FlagTable;

/** The flags of `history trace`. */
export const historyTraceFlags = {
  addr: { kind: "string", default: "127.0.0.1:0", usage: "Address to bind the UI server" },
  compare: { kind: "string", usage: "Compare with another build record" },
} as const satisfies FlagTable;

const attachmentCommand = defineCommand({
  name: "attachment",
  summary: "Inspect a build record attachment",
  usage: "[OPTIONS] [REF [DIGEST]]",
  args: { min: 0, max: 2 },
  flags: historyAttachmentFlags,
  run: async (invocation) => (await import("./history/attachment.ts")).runAttachment(invocation),
});

const exportCommand = defineCommand({
  name: "export",
  summary: "Export build records into Docker Desktop bundle",
  usage: "[OPTIONS] [REF...]",
  args: { min: 0 },
  flags: historyExportFlags,
  run: async (invocation) => (await import("./history/export.ts")).runExport(invocation),
});

const importCommand = defineCommand({
  name: "import",
  summary: "Import build records into Docker Desktop",
  usage: "[OPTIONS] -",
  args: { min: 0, max: 0 },
  flags: historyImportFlags,
  run: async (invocation) => (await import("./history/import.ts")).runImport(invocation),
});

const inspectCommand: Command = {
  ...defineCommand({
    name: "inspect",
    summary: "Inspect a build record",
    usage: "[OPTIONS] [REF]",
    args: { min: 0, max: 1 },
    flags: historyInspectFlags,
    run: async (invocation) => (await import("./history/inspect.ts")).runInspect(invocation),
  }),
  commands: [attachmentCommand],
};

const logsCommand = defineCommand({
  name: "logs",
  summary: "Print the logs of a build record",
  usage: "[OPTIONS] [REF]",
  args: { min: 0, max: 1 },
  flags: historyLogsFlags,
  run: async (invocation) => (await import("./history/logs.ts")).runLogs(invocation),
});

const lsCommand = defineCommand({
  name: "ls",
  summary: "List build records",
  args: { min: 0, max: 0 },
  flags: historyLsFlags,
  run: async (invocation) => (await import("./history/ls.ts")).runLs(invocation),
});

const openCommand = defineCommand({
  name: "open",
  summary: "Open a build record in Docker Desktop",
  usage: "[OPTIONS] [REF]",
  args: { min: 0, max: 1 },
  flags: {},
  run: async (invocation) => (await import("./history/open.ts")).runOpen(invocation),
});

const rmCommand = defineCommand({
  name: "rm",
  summary: "Remove build records",
  usage: "[OPTIONS] [REF...]",
  args: { min: 0 },
  flags: historyRmFlags,
  run: async (invocation) => (await import("./history/rm.ts")).runRm(invocation),
});

const traceCommand = defineCommand({
  name: "trace",
  summary: "Show the OpenTelemetry trace of a build record",
  usage: "[OPTIONS] [REF]",
  args: { min: 0, max: 1 },
  flags: historyTraceFlags,
  run: async (invocation) => (await import("./history/trace.ts")).runTrace(invocation),
});

/** `history`: what engines remember of builds. */
export const historyCommand: Command = {
  name: "history",
  summary: "Commands to work on build records",
  flags: {},
  commands: [
    exportCommand,
    importCommand,
    inspectCommand,
    logsCommand,
    lsCommand,
    openCommand,
    rmCommand,
    traceCommand,
  ],
};
