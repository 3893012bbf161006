/** "Did you mean …?": the nearest of some options to what somebody wrote. */
export { suggestion, withSuggestion } from "./suggest.ts";
