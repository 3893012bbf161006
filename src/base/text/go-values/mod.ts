/** Values as Go programs read them from command lines and show them, so that what people have in scripts means the same here. */
export { parseGoBool } from "./bool.ts";
export { parseByteSize } from "./bytes.ts";
export { parseGoDuration } from "./duration.ts";
export { humanDuration } from "./human-duration.ts";
export { parseGoInteger } from "./integer.ts";
export { escapedJson, goJson } from "./json.ts";
export { goJsonText } from "./json-text.ts";
export { goQuote } from "./quote.ts";
