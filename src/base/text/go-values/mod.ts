/** Values as Go programs read them from command lines, so that what people have in scripts means the same here. */
export { parseGoBool } from "./bool.ts";
export { parseByteSize } from "./bytes.ts";
export { parseGoDuration } from "./duration.ts";
export { goQuote } from "./quote.ts";
