/**
 * Questions about a Dockerfile that are answered without building it: what is wrong with it (`lint`), what people can choose (`outline`),
 * which stages it has (`targets`). Both sides of the wire: how answers look as JSON, and how that looks to people.
 */
export * from "./answers.ts";
export { printDescribed, printLintError, printLintWarnings, printOutline, printTargets } from "./print.ts";
export { answerVersion, describedRequests, subrequests } from "./requests.ts";
