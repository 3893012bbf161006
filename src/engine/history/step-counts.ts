import type { control } from "../../api/mod.ts";

/** How many steps a build has, by what it tells of them. */
export class StepCounts {
  readonly #steps = new Map<string, { readonly cached: boolean; readonly completed: boolean }>();
  #warnings = 0;

  add({ vertexes, warnings }: Pick<control.StatusResponse, "vertexes" | "warnings">): void {
    for (const { digest, cached, completed } of vertexes) {
      const before = this.#steps.get(digest);
      this.#steps.set(digest, {
        cached: cached || (before?.cached ?? false),
        completed: completed !== undefined || (before?.completed ?? false),
      });
    }
    this.#warnings += warnings.length;
  }

  /** As a record has them. */
  get fields() {
    const steps = [...this.#steps.values()];
    return {
      numTotalSteps: steps.length,
      numCompletedSteps: steps.filter(({ completed }) => completed).length,
      numCachedSteps: steps.filter(({ cached }) => cached).length,
      numWarnings: this.#warnings,
    };
  }
}
