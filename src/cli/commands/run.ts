import { defineCommand } from "../command.ts";
import type { FlagTable } from "../flags/flag.ts";

const platforms = [
  "linux/386",
  "linux/amd64",
  "linux/arm/v7",
  "linux/arm64",
  "linux/ppc64le",
  "linux/riscv64",
  "linux/s390x",
];

/** The flags of `run`, with the names and meanings of docker run. */
export const runFlags = {
  entrypoint: { kind: "string", usage: "Overwrite the default ENTRYPOINT of the image" },
  env: { kind: "array", short: "e", usage: "Set environment variables" },
  interactive: { kind: "bool", short: "i", usage: "Keep STDIN open" },
  network: {
    kind: "string",
    usage: "Connect the container to a network",
    default: "default",
    complete: ["default", "host", "none"],
  },
  platform: { kind: "string", usage: "Platform of the image to run", complete: platforms },
  progress: {
    kind: "string",
    usage:
      'Set type of progress output ("auto", "none", "plain", "quiet", "rawjson", "tty"); auto shows it when the image takes long to come',
    default: "auto",
    complete: ["auto", "none", "plain", "quiet", "rawjson", "tty"],
  },
  quiet: { kind: "bool", short: "q", usage: "Suppress the progress output" },
  rm: { kind: "bool", usage: "Remove the container when it exits (this is what always happens)", default: "true" },
  tty: { kind: "bool", short: "t", usage: "Allocate a pseudo-TTY" },
  user: { kind: "string", short: "u", usage: "Username or UID (format: <name|uid>[:<group|gid>])" },
  workdir: { kind: "string", short: "w", usage: "Working directory inside the container" },
} as const satisfies FlagTable;

/** `run`: one process in a container made of an image, to try it on any platform. */
export const runCommand = defineCommand({
  name: "run",
  summary: "Run an image's command, or another one, for any platform",
  usage: "[OPTIONS] IMAGE [COMMAND] [ARG...]",
  args: { min: 1 },
  flags: runFlags,
  flagsFirst: true,
  run: async (invocation) => (await import("./run/run-container.ts")).runContainer(invocation),
});
