import type { BuildInputs } from "../contexts/mod.ts";

/** Inputs of a build that reads nothing. */
export const noInputs: BuildInputs = {
  attrs: {},
  directories: {},
  layouts: {},
  uploads: {},
  context: undefined,
  [Symbol.asyncDispose]: () => Promise.resolve(),
};
