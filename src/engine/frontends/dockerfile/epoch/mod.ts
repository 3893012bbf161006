/** `SOURCE_DATE_EPOCH`: a number, or the time of a source: of the build context, a named context, or a stage that is nothing but a source. */
export { epochArg, resolveEpoch } from "./resolve-epoch.ts";
