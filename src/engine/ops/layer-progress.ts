import type { LayerProgress } from "../refs/mod.ts";
import type { VertexProgress } from "../solver/mod.ts";

/** Shows byte work on layers as items of a vertex, with the words that BuildKit's users know. */
export function layerProgress(progress: VertexProgress, now: () => Date): LayerProgress {
  const started = new Map<string, Date>();
  return {
    update: ({ id, action, current, total }) => {
      const since = started.get(id) ?? now();
      started.set(id, since);
      const done = action === "done";
      progress.status({ id, name: action, current, total, started: since, ...(done && { completed: now() }) });
    },
  };
}
