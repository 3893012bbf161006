import { UsageError } from "../flags/usage-error.ts";
import { applyDockerFlags, firstWord } from "./docker-flags.ts";

type Env = Readonly<Record<string, string | undefined>>;

/** How the process was started. */
export interface StartInput {
  /** The name it was started by, without directories: `polyarch`, `docker-polyarch`, `docker-buildx`. */
  readonly invokedAs: string;
  readonly argv: readonly string[];
  readonly env: Env;
  readonly version: string;
}

/** What to do about it. */
export type Start =
  /** There is something to say at once and nothing to run: docker's CLI asks what plugin this is. */
  | { readonly type: "answer"; readonly text: string }
  /** Docker's own flags ask for what cannot be done. */
  | { readonly type: "refused"; readonly why: string }
  | {
      readonly type: "run";
      /** As people typed it: `polyarch`, `docker buildx`. */
      readonly program: string;
      readonly argv: readonly string[];
      readonly env: Env;
    };

const metadataCommand = "docker-cli-plugin-metadata";

/**
 * The docker buildx whose commands and flags are served. Docker Compose and others ask the plugin `buildx` for its version, and refuse
 * those that are too old for what they need.
 */
const servedBuildx = "0.29.1";

/**
 * Tells whether people started the program themselves or docker's CLI did, as a plugin: then docker's own flags come first, and after
 * them the plugin's name.
 * @see https://github.com/docker/cli/issues/1534 (the protocol)
 */
export function interpretStart({ invokedAs, argv, env, version }: StartInput): Start {
  const plugin = /^docker-([a-z][a-z0-9]*)$/.exec(invokedAs)?.[1];
  if (argv[0] === metadataCommand) return { type: "answer", text: metadata(plugin, version) };
  const at = firstWord(argv);
  // `docker help buildx build` comes as it is.
  const words = argv[at] === "help" ? [argv[at + 1], "help", ...argv.slice(at + 2)] : argv.slice(at);
  if (plugin === undefined || !env.DOCKER_CLI_PLUGIN_ORIGINAL_CLI_COMMAND || words[0] !== plugin) {
    return { type: "run", program: plugin === undefined ? "polyarch" : invokedAs, argv, env };
  }
  const docker = understood(argv.slice(0, at), env);
  if (typeof docker === "string") return { type: "refused", why: docker };
  const rest = words.slice(1) as string[];
  return {
    type: "run",
    program: `docker ${plugin}`,
    argv: docker.debug ? ["--debug", ...rest] : rest,
    env: docker.env,
  };
}

/** The flags' meaning, or what is wrong with them. */
function understood(flags: readonly string[], env: Env): ReturnType<typeof applyDockerFlags> | string {
  try {
    return applyDockerFlags(flags, env);
  } catch (error) {
    if (error instanceof UsageError) return error.message;
    throw error;
  }
}

function metadata(plugin: string | undefined, version: string): string {
  const fields = {
    SchemaVersion: "0.1.0",
    Vendor: "Polyarch",
    Version: plugin === "buildx" ? `v${servedBuildx}+polyarch.${version}` : `v${version}`,
    ShortDescription: "Build container images for many platforms at once",
  };
  return `${JSON.stringify(fields, undefined, 2)}\n`;
}
