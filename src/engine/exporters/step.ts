import type { VertexProgress } from "../solver/mod.ts";

/** Runs one part of an export and shows it as a line of its own under the exporter's step. */
export async function step<T>(progress: VertexProgress, name: string, work: () => Promise<T> | T): Promise<T> {
  const started = new Date();
  progress.status({ id: name, started });
  try {
    return await work();
  } finally {
    progress.status({ id: name, started, completed: new Date() });
  }
}
