/**
 * The command line: argv → a table's typed options → the command → exit code. Everything here is light to load; a command's heavy parts
 * come by `await import()` when it runs.
 */
export type { CliContext, InputStream, OutputStream } from "./context.ts";
export type { Command, Invocation } from "./command.ts";
export { rootCommand } from "./commands/root.ts";
export { runCli } from "./run.ts";
export { interpretStart, type Start, type StartInput } from "./plugin/start.ts";
export { watchDocker } from "./plugin/watch-docker.ts";
