/**
 * Agents of SSH as a build may use them: one that stands on this machine, or keys from files. They sign; nobody gets a key out of them, and nobody
 * changes what they have.
 */
export { type Agent, keyAgent, socketAgent } from "./agent.ts";
export { parsePrivateKey } from "./private-key.ts";
export { type SigningKey, signingKey } from "./signing-key.ts";
