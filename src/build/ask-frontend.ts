import { BuildError } from "../base/errors/mod.ts";
import type { BuildKitClient } from "../client/mod.ts";

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
  const { attrs, ...build } = options;
  return await client.lead(build, async ({ bridge, call, orEnd }) => {
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
  });
}
