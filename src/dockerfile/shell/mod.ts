/** Shell words: expansion of variables, quotes, escapes; as much of POSIX as Dockerfiles use. */
export { type Environment, emptyEnvironment, EnvironmentList, splitVariable } from "./environment.ts";
export { expand, type ExpandOptions, ExpansionError, type Expansion } from "./expand.ts";
