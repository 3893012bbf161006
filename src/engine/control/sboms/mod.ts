/** Lists of what is in a build's results, made by whom the request names, or else by the engine itself. */
export { epochsOf, listContents, resolveModeOf, withContentsListed } from "./list-contents.ts";
