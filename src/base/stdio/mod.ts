/** Programs of which only stdin and stdout matter: `ssh`, `kubectl exec` and others that are ways to a byte stream somewhere else. */
export { CommandFailure, type CommandStream, type CommandStreamOptions, openCommandStream } from "./command-stream.ts";
export { parseSshTarget, sshArguments, type SshTarget } from "./ssh-target.ts";
