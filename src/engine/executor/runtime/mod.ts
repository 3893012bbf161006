/** The programs that start containers, and what they say. */
export { explainFailure, type StartFailure, StderrFilter } from "./messages.ts";
export { chosenRuntime, findRuntimes, type Runtime } from "./runtime.ts";
export { RuntimeRunner, type RuntimeOutcome } from "./runner.ts";
export { type Conversation, ConversationDirectory } from "./conversation.ts";
