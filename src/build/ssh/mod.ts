/** The ssh agents of a build: where `--ssh` says they are. */
export { type Agents, openAgents } from "./open-agents.ts";
