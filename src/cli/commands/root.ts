import type { Command } from "../command.ts";
import { binfmtCommand } from "./binfmt.ts";
import { buildCommand } from "./build.ts";
import { completionCommand } from "./completion.ts";
import { createCommand } from "./create.ts";
import { daemonCommand } from "./daemon.ts";
import { dialStdioCommand } from "./dial-stdio.ts";
import { duCommand } from "./du.ts";
import { helpCommand } from "./help.ts";
import { historyCommand } from "./history.ts";
import { imageCommand } from "./image.ts";
import { imagetoolsCommand } from "./imagetools.ts";
import { inspectCommand } from "./inspect.ts";
import { lsCommand } from "./ls.ts";
import { loginCommand } from "./login.ts";
import { logoutCommand } from "./logout.ts";
import { manifestCommand } from "./manifest.ts";
import { runCommand } from "./run.ts";
import { pruneCommand } from "./prune.ts";
import { rmCommand } from "./rm.ts";
import { stopCommand } from "./stop.ts";
import { useCommand } from "./use.ts";
import { versionCommand } from "./version.ts";

/** All commands. Tables only: what a command needs to run is loaded when it runs. */
export const rootCommand: Command = {
  name: "polyarch",
  summary: "Build container images for many platforms at once",
  flags: {},
  commands: [
    buildCommand,
    createCommand,
    useCommand,
    lsCommand,
    inspectCommand,
    stopCommand,
    rmCommand,
    duCommand,
    pruneCommand,
    dialStdioCommand,
    historyCommand,
    runCommand,
    imageCommand,
    imagetoolsCommand,
    manifestCommand,
    loginCommand,
    logoutCommand,
    binfmtCommand,
    daemonCommand,
    versionCommand,
    completionCommand(() => rootCommand),
    helpCommand(() => rootCommand),
  ],
  elsewhere: {
    bake: "run build for each target, or use docker buildx bake with a builder of this store",
    dap: "build the stage with --target, push it, and look into it with run",
    debug: "build the stage with --target, push it, and look into it with run",
    install: "link this program as docker-buildx among Docker's CLI plugins",
    policy: "check what a build may use before it starts",
    uninstall: "remove docker-buildx from Docker's CLI plugins",
  },
};
