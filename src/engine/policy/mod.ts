/** Which sources a build may use, and which it uses in their place: rules that come with the request. Pure. */
export { normalizedIdentifier, type SourcePolicy, sourcePolicy } from "./source-policy.ts";
