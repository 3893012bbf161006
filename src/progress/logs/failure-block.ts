import { isCanceled } from "../status.ts";
import { type ProgressView, startedVertexes } from "../view/view.ts";
import type { LogTail } from "./log-tail.ts";

/** For each step that failed by itself: its name and the last lines that it wrote. */
export function renderFailures(
  view: ProgressView,
  tails: ReadonlyMap<string, LogTail>,
  safe: (line: string) => string,
): string {
  return startedVertexes(view)
    .filter(({ error }) => error !== "" && !isCanceled(error))
    .map(({ digest, name }) => {
      const lines = tails.get(digest)?.lines() ?? [];
      return ["------", ` > ${safe(name)}:`, ...lines.map(safe), "------", ""].join("\n");
    })
    .join("");
}
