/** Pieces of source texts, shown around what a message is about. */
export { renderExcerpt, type SourceMark } from "./source-excerpt.ts";
