import type { Duplex } from "node:stream";
import { BuildError, messageOf } from "../../base/errors/mod.ts";
import { loadNode } from "../../builder/mod.ts";
import { parsePlatform, type Platform } from "../../oci/mod.ts";
import { chooseMode, type ProgressMode } from "../../progress/mod.ts";
import { askedBuilder } from "../asked-builder.ts";
import { openBuilders } from "../builder.ts";
import { bootWithProgress } from "../builders/boot.ts";
import { chooseNode } from "../builders/choose-node.ts";
import type { Invocation } from "../command.ts";
import type { CliContext } from "../context.ts";
import { UsageError } from "../flags/usage-error.ts";
import type { dialStdioFlags } from "./dial-stdio.ts";

/** How long a node may take to say whether it runs. */
const statusTimeoutMs = 20_000;

/** Runs `dial-stdio`: starts the engine where it does not run, and passes bytes on until it closes its end. */
export async function runDialStdio(invocation: Invocation<typeof dialStdioFlags>): Promise<number> {
  const { context, flags } = invocation;
  const { env, signal } = context;
  const mode = modeOf(flags.progress, context);
  const platforms = parsePlatforms(flags.platform || (env.DOCKER_DEFAULT_PLATFORM ?? ""));
  const builders = await openBuilders(context);
  const builder = await builders.select(askedBuilder(invocation));
  await builders.touch(builder, { signal });
  const { node, driver } = await chooseNode(builders, builder, { platforms, context, mode });
  const config = builder.nodes.find(({ name }) => name === node);
  if (!config) throw new Error("Internal error: the chosen node is none of the builder's");
  await bootWithProgress(
    [await loadNode({ node: config, driver }, { signal, timeoutMs: statusTimeoutMs })],
    context,
    mode,
  );
  await proxy(await driver.dial({ signal }), context);
  return 0;
}

/** Passes bytes both ways. The end of stdin is passed on; the engine's end ends all. */
async function proxy(connection: Duplex, { stdin, stdout, signal }: CliContext): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const onAbort = () => reject(signal.reason);
  signal.addEventListener("abort", onAbort, { once: true });
  connection.once("end", resolve).once("close", resolve).once("error", reject);
  connection.pipe(stdout, { end: false });
  stdin.pipe(connection);
  try {
    await promise;
  } finally {
    signal.removeEventListener("abort", onAbort);
    stdin.unpipe(connection);
    stdin.pause();
    connection.destroy();
    connection.on("error", () => undefined);
  }
}

function modeOf(text: string, { env, stderr }: CliContext): ProgressMode {
  try {
    return chooseMode(text, { env, isTty: stderr.isTTY === true });
  } catch (error) {
    throw new UsageError(messageOf(error));
  }
}

function parsePlatforms(text: string): readonly Platform[] {
  if (text === "") return [];
  try {
    return [parsePlatform(text)];
  } catch (cause) {
    throw new BuildError("invalid_argument", `invalid platform ${JSON.stringify(text)}: ${messageOf(cause)}`, {
      cause,
    });
  }
}
