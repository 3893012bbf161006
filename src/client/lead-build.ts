import { control, gateway } from "../api/mod.ts";
import { type Channel, type Client, createClient } from "../rpc/mod.ts";

/** A build that its client leads: the engine does what it is told through the gateway, until the client has done. */
export interface LedBuild {
  readonly bridge: Client<typeof gateway.LLBBridge>;
  /** What each call of {@link bridge} takes. */
  readonly call: { readonly signal: AbortSignal; readonly headers: Readonly<Record<string, string>> };
  /** What the engine can do, by BuildKit's ids: what graphs and outputs may ask for, and what the gateway. */
  readonly capabilities: ReadonlySet<string>;
  /** Waits for a call, or for the build to end before it; then with the reason. */
  orEnd<T>(call: Promise<T>): Promise<T>;
}

/** What a build is begun with whose client leads it. */
export interface BuildToLead {
  /** By which the build is known. */
  readonly ref: string;
  /** Serves it; empty: nothing of the client's is needed. */
  readonly sessionId?: string;
  readonly entitlements?: readonly string[];
  /** Cancels it. */
  readonly signal: AbortSignal;
}

/** How long an engine may take to begin a build. */
const beginTimeoutMs = 15_000;

/**
 * Begins a build without a result, which no history tells of, and ends it when `work` has done.
 * @throws {BuildError} whatever `work` throws, and where the engine takes no such build
 */
export async function leadBuild<T>(
  channel: Channel,
  build: BuildToLead,
  work: (led: LedBuild) => Promise<T>,
): Promise<T> {
  const { ref, sessionId = "", entitlements = [], signal } = build;
  const solved = createClient(control.Control, channel).solve(
    { Ref: ref, Session: sessionId, Entitlements: [...entitlements], Cache: {}, Internal: true },
    { signal },
  );
  solved.catch(() => undefined); // every call that follows fails with it
  const orEnd: LedBuild["orEnd"] = async (made) => await Promise.race([made, solved.then(async () => await made)]);
  const bridge = createClient(gateway.LLBBridge, channel);
  const call = { signal, headers: { "buildkit-controlapi-buildid": ref } };
  const { LLBCaps, FrontendAPICaps } = await orEnd(bridge.ping({}, { ...call, timeoutMs: beginTimeoutMs }));
  const enabled = [...LLBCaps, ...FrontendAPICaps].filter(({ Enabled }) => Enabled);
  let failure: unknown;
  try {
    return await work({ bridge, call, capabilities: new Set(enabled.map(({ ID }) => ID)), orEnd });
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
