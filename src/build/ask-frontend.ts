import { BuildError, messageOf } from "../base/errors/mod.ts";
import type { BuildKitClient } from "../client/mod.ts";

/** Frontends that answer what those of older engines cannot; the same that docker buildx takes. */
const answering = {
  outline: "docker/dockerfile:1.7.1@sha256:a57df69d0ea827fb7266491f2813635de6f17269be881f696fbfdf2d83dda33e",
  lint: "docker/dockerfile:1.8.1@sha256:e87caa74dcb7d46cd820352bfea12591f3dba3ddc4285e19c7dcd13359f7cefd",
};

/**
 * Has the engine's Dockerfile frontend answer a question (`requestid` among `attrs`) and gives what it says, by key. A plain build would
 * not pass the answer on, so the client leads this one: it asks, and then says that there is no result. An engine whose frontend is too old is
 * asked to use a newer one.
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
    const ask = (more: Readonly<Record<string, string>> = {}) =>
      orEnd(
        bridge.solve(
          {
            Frontend: "dockerfile.v0",
            FrontendOpt: { ...attrs, ...more },
            allowResultReturn: true,
            allowResultArrayRef: true,
          },
          call,
        ),
      );
    const { result } = await ask().catch(async (error: unknown) => {
      const [, question] = /unsupported request frontend\.(lint|outline|targets)/.exec(messageOf(error)) ?? [];
      if (question === undefined || options.signal.aborted) throw error;
      const newer = answering[question === "lint" ? "lint" : "outline"];
      return await ask({ "build-arg:BUILDKIT_SYNTAX": newer }).catch((cause: unknown) => {
        const why = `${messageOf(error)}: the engine's frontend is too old for that, and ${newer} could not be used: ${messageOf(cause)}`;
        throw new BuildError("unimplemented", why, { cause });
      });
    });
    if (!result) throw new BuildError("internal", "the engine answers without a result");
    return Object.fromEntries(
      Object.entries(result.metadata).map(([key, value]) => [key, Buffer.from(value).toString("utf8")]),
    );
  });
}
