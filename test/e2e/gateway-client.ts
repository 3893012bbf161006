import { randomUUID } from "node:crypto";
import { gateway } from "../../src/api/mod.ts";
import { BuildError } from "../../src/base/errors/mod.ts";
import type { BuildKitClient, SolveRequest, SolveResponse, StatusResponse } from "../../src/client/mod.ts";
import { marshal, type State } from "../../src/llb/mod.ts";
import { type Channel, type Client, createClient } from "../../src/rpc/mod.ts";

/** The gateway's calls of one build. */
export type Bridge = Client<typeof gateway.LLBBridge>;

/** A build that was led, after its end. */
export interface LedBuild {
  /** What its client got; rejected with what it failed with. */
  readonly outcome: Promise<SolveResponse>;
  readonly status: readonly StatusResponse[];
}

/**
 * Leads a build as clients do that bring their own build function; what is not over then is given up when `work` ends.
 * @returns when the build is over
 */
export async function leading(
  client: BuildKitClient,
  work: (bridge: Bridge, outcome: Promise<SolveResponse>) => Promise<unknown>,
  request: SolveRequest = {},
): Promise<LedBuild> {
  const id = randomUUID();
  const over = new AbortController();
  const status: StatusResponse[] = [];
  const watching = Array.fromAsync(client.status(id)).then(
    (messages) => status.push(...messages),
    () => undefined,
  );
  const outcome = client.solve({ ...request, Ref: id }, { signal: over.signal });
  outcome.catch(() => undefined); // whoever looks gets the failure
  try {
    await work(createClient(gateway.LLBBridge, callsOf(id, client.channel)), outcome);
  } finally {
    over.abort(new BuildError("canceled", "the work is done"));
    await outcome.catch(() => undefined);
    await watching;
  }
  return { outcome, status };
}

/** Adds a graph. @returns the id of its result; `""`: the empty tree */
export async function addGraph(bridge: Bridge, state: State, more: { Evaluate?: boolean } = {}): Promise<string> {
  const request = { Definition: marshal(state), allowResultReturn: true, allowResultArrayRef: true, ...more };
  const { result } = await bridge.solve(request);
  return result?.result.case === "ref" ? result.result.value.id : "";
}

/** The channel, whose calls say that they belong to a build. */
function callsOf(id: string, channel: Channel): Channel {
  return {
    closed: channel.closed,
    ready: async (options) => await channel.ready(options),
    start: async (path, options) =>
      await channel.start(path, { ...options, headers: { "buildkit-controlapi-buildid": id } }),
    close: async () => await channel.close(),
    [Symbol.asyncDispose]: async () => await channel.close(),
  };
}

/** Runs one process in a container of its own, made of a result, to its end. */
export async function inContainer(
  bridge: Bridge,
  resultID: string,
  args: readonly string[],
): Promise<{ readonly stdout: string; readonly code: number }> {
  const ContainerID = randomUUID();
  await bridge.newContainer({ ContainerID, Mounts: [{ dest: "/", resultID }] });
  const ran = await running(bridge, ContainerID, args);
  await bridge.releaseContainer({ ContainerID });
  return ran;
}

/** Runs one process in a container that is there. */
export async function running(
  bridge: Bridge,
  ContainerID: string,
  args: readonly string[],
): Promise<{ readonly stdout: string; readonly code: number; readonly error: string }> {
  const ended = Promise.withResolvers<void>();
  async function* say() {
    const Init = { ContainerID, Meta: { args: [...args], cwd: "/" }, Fds: [1, 2] };
    yield { ProcessID: "process", Input: { case: "Init" as const, value: Init } };
    await ended.promise; // who hangs up ends the process
  }
  let stdout = "";
  let code = -1;
  let error = "";
  try {
    for await (const { Input: message } of bridge.execProcess(say())) {
      if (message.case === "File" && message.value.Fd === 1) stdout += Buffer.from(message.value.Data).toString();
      if (message.case === "Exit") {
        code = message.value.Code;
        error = message.value.Error?.message ?? "";
      }
      if (message.case === "Done") ended.resolve();
    }
  } finally {
    ended.resolve();
  }
  return { stdout, code, error };
}
