import { BuildError } from "../../../base/errors/mod.ts";
import { connectNode } from "../../../builder/mod.ts";
import { credentialsFromDocker, dockerConfigDirectory, TokenSeeds } from "../../../docker/mod.ts";
import { currentPlatform, parsePlatform } from "../../../oci/mod.ts";
import { chooseMode, openDisplay, type ProgressMode, statusFromWire } from "../../../progress/mod.ts";
import { runImage, type RunOptions, type RunOutcome } from "../../../run/mod.ts";
import { askedBuilder } from "../../asked-builder.ts";
import { openBuilders } from "../../builder.ts";
import { bootStatus } from "../../builders/boot-status.ts";
import { chooseNode } from "../../builders/choose-node.ts";
import type { Invocation } from "../../command.ts";
import { renderError } from "../../errors/print-error.ts";
import type { FlagValues } from "../../flags/flag.ts";
import { UsageError } from "../../flags/usage-error.ts";
import type { runFlags } from "../run.ts";
import { Attachment } from "./attach.ts";
import { LateDisplay } from "./late-display.ts";

type Flags = FlagValues<typeof runFlags>;
type RunInvocation = Invocation<typeof runFlags>;

/** As with docker run: the container's process never ran, so the code is not its. */
const neverRan = 125;
/** What takes longer than this is shown while it goes on: an engine's start, and an image's coming. */
const showAfterMs = { boot: 3000, pull: 1000 } as const;

/** Runs `run IMAGE [COMMAND]`. @returns the exit code of the process */
export async function runContainer(invocation: RunInvocation): Promise<number> {
  const { context, flags, given, args } = invocation;
  const mode = modeOf(invocation);
  if (!flags.rm) throw new UsageError("--rm=false is not possible: nothing of a container outlives its process");
  if (flags.tty && flags.interactive && context.stdin.isTTY !== true)
    throw new UsageError("the input device is not a TTY");
  const [image = "", ...command] = args;
  const options: RunOptions = {
    image,
    command,
    platform: flags.platform,
    env: flags.env,
    entrypoint: given.has("entrypoint") ? flags.entrypoint : undefined,
    user: flags.user,
    workdir: flags.workdir,
    network: flags.network,
    interactive: flags.interactive,
    tty: flags.tty,
  };
  try {
    const outcome = await run(options, invocation, mode);
    if (outcome.type === "failed") report(outcome.error, invocation);
    return outcome.code;
  } catch (error) {
    if (context.signal.aborted || !(error instanceof BuildError)) throw error;
    report(error, invocation);
    return neverRan;
  }
}

async function run(options: RunOptions, invocation: RunInvocation, mode: ProgressMode): Promise<RunOutcome> {
  const { context, flags, given, globals } = invocation;
  const { env, now, signal, stderr } = context;
  const builders = await openBuilders(context);
  const builder = await builders.select(askedBuilder(invocation));
  await builders.touch(builder, context);
  const { driver } = await chooseNode(builders, builder, {
    platforms: options.platform === "" ? [] : [platformOf(options.platform)],
    context,
    mode,
  });
  const display = new LateDisplay(
    () =>
      openDisplay({
        mode,
        output: stderr,
        env,
        now,
        builder: { name: builder.name, driver: driver.kind },
        debug: globals.debug,
      }),
    { afterMs: given.has("progress") && flags.progress !== "auto" ? 0 : showAfterMs.boot },
  );
  try {
    const onEvent = bootStatus({ now, update: (status) => display.update(status) });
    await using client = await connectNode(driver, { signal, onEvent });
    display.postpone(showAfterMs.pull);
    const credentials = credentialsFromDocker(builders.docker.config, { env });
    using attachment = new Attachment(context, options);
    return await runImage(options, {
      client,
      credentials,
      fetchToken: async (request, call) => {
        const { tokenFetcher } = await import("../../../registry/mod.ts");
        await using fetcher = tokenFetcher({ credentials, env });
        return await fetcher(request, call);
      },
      seeds: new TokenSeeds(dockerConfigDirectory(env, context.home)),
      env,
      streams: attachment,
      onStatus: (status) => display.update(statusFromWire(status)),
      onWarning: (text) => void stderr.write(`WARNING: ${text}\n`),
      onReady: () => {
        // Pictures and processes do not share a screen; lines go on, for they tell what still comes.
        if (mode === "tty" || options.tty) display.finish();
        else display.settle();
      },
      onStarted: (started) => attachment.attach(started, options),
      signal,
    });
  } finally {
    display.finish();
  }
}

function platformOf(text: string) {
  return text === "local" ? currentPlatform() : parsePlatform(text);
}

function modeOf({ flags, context }: RunInvocation): ProgressMode {
  const { progress, quiet }: Flags = flags;
  if (quiet && progress !== "auto" && progress !== "quiet") {
    throw new UsageError(`progress=${progress} and quiet cannot be used together`);
  }
  if (quiet) return "quiet";
  try {
    return chooseMode(progress, { env: context.env, isTty: context.stderr.isTTY === true });
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

function report(error: BuildError, { context, path, globals }: RunInvocation): void {
  context.stderr.write(renderError(error, { command: path, debug: globals.debug }));
}
