import { gateway } from "../api/mod.ts";
import { BuildError } from "../base/errors/mod.ts";
import type { BuildKitClient } from "../client/mod.ts";
import { createClient } from "../rpc/mod.ts";

/** How long an engine may take to begin a build. */
const beginTimeoutMs = 15_000;

/**
 * Has the engine's Dockerfile frontend answer a question (`requestid` among `attrs`) and gives what it says, by key. A plain build would
 * not pass the answer on, so the client leads this one: it asks, and then says that there is no result.
 * @param options.ref by which the build is known
 * @throws {BuildError} whatever the frontend refuses
 */
export async function askFrontend(
  client: BuildKitClient,
  options: {
    readonly ref: string;
    readonly sessionId: string;
    readonly attrs: Readonly<Record<string, string>>;
    readonly entitlements: readonly string[];
    readonly signal: AbortSignal;
  },
): Promise<Readonly<Record<string, string>>> {
  const { ref, sessionId, attrs, entitlements, signal } = options;
  const solved = client.solve({ Ref: ref, Session: sessionId, Entitlements: [...entitlements], Cache: {} }, { signal });
  solved.catch(() => undefined); // every call that follows fails with it
  const orEnd = async <T>(call: Promise<T>): Promise<T> =>
    await Promise.race([call, solved.then(async () => await call)]);
  const bridge = createClient(gateway.LLBBridge, client.channel);
  const call = { signal, headers: { "buildkit-controlapi-buildid": ref } };
  await orEnd(bridge.ping({}, { ...call, timeoutMs: beginTimeoutMs }));
  let failure: unknown;
  try {
    const { result } = await orEnd(
      bridge.solve(
        { Frontend: "dockerfile.v0", FrontendOpt: { ...attrs }, allowResultReturn: true, allowResultArrayRef: true },
        call,
      ),
    );
    if (!result) throw new BuildError("internal", "the engine answers without a result");
    return Object.fromEntries(
      Object.entries(result.metadata).map(([key, value]) => [key, Buffer.from(value).toString("utf8")]),
    );
  } catch (error) {
    failure = error;
    throw error;
  } finally {
    const { message } = failure instanceof Error ? failure : { message: "" };
    const said = failure === undefined ? { result: {} } : { error: { code: 2, message } };
    // It has answered: how the build ends that carried the question says nothing more.
    await orEnd(bridge.return(said, call)).catch(() => undefined);
    await solved.catch(() => undefined);
  }
}
