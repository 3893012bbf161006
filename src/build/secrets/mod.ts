/** The secrets of a build: where `--secret` says they are, and how they are read when the engine asks. */
export { openSecrets, type Secrets } from "./open-secrets.ts";
