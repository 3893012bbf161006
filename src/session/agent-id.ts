/** Header of a forwarded connection: which agent it is for. */
export const agentHeader = "buildkit.ssh.id";

/** The agent that is meant where none is named. */
export const defaultAgent = "default";
