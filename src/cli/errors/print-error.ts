import { messageOf } from "../../base/errors/mod.ts";
import { UsageError } from "../flags/usage-error.ts";
import { renderExcerpt } from "../../base/text/source-excerpt/mod.ts";
import { sourceMarks } from "./source-marks.ts";

/** What people see of a failure: the places it points at, then `ERROR: …`, and in debug mode how it came about. */
export function renderError(error: unknown, options: { command: string; debug: boolean }): string {
  if (error instanceof UsageError) {
    return `ERROR: ${error.message}\n\nSee '${error.command ?? options.command} --help'.\n`;
  }
  return `${renderSources(error)}ERROR: ${topMessage(error)}\n${options.debug ? renderChain(error) : ""}`;
}

/** The lines of source texts that an error points at; empty when it names none. */
export function renderSources(error: unknown): string {
  return sourceMarks(error).map(renderExcerpt).join("");
}

function topMessage(error: unknown): string {
  const message = messageOf(error);
  return message === "" ? "unknown failure" : message;
}

function renderChain(error: unknown): string {
  const parts: string[] = [];
  for (let at: unknown = error, depth = 0; at instanceof Error && depth < 10; at = at.cause, depth++) {
    parts.push(at.stack ?? at.message);
  }
  return parts.length === 0 ? "" : `${parts.join("\ncaused by: ")}\n`;
}
