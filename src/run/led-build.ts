import type { MessageInitShape } from "../base/protobuf/mod.ts";
import { gateway, type pb } from "../api/mod.ts";
import { BuildError } from "../base/errors/mod.ts";
import type { BuildKitClient, StatusResponse } from "../client/mod.ts";
import { decodePlatform, encodePlatform, marshal, type State } from "../llb/mod.ts";
import type { Platform } from "../oci/mod.ts";
import { type CallOptions, type Client, createClient } from "../rpc/mod.ts";
import { newSessionId } from "../session/mod.ts";

/** What {@link LedBuild.open} works with. */
export interface LedBuildOptions {
  /** The session through which the engine gets logins. */
  readonly sessionId: string;
  /** What the build needs that an engine may refuse. */
  readonly entitlements: readonly string[];
  /** Told what the engine is doing. */
  readonly onStatus: (status: StatusResponse) => void;
  readonly signal: AbortSignal;
}

type ExecMessage = MessageInitShape<typeof gateway.ExecMessageSchema>;

/** How long an engine may take to answer the first call of a build. */
const pingTimeoutMs = 15_000;
/** How long the engine may take to tell the end of a build that is over. */
const lastNewsMs = 2_000;

/** A build that this client leads: the engine does one thing after the other as it is told, until {@link finish}. */
export class LedBuild {
  /** What the engine's machine runs, its own platform first. */
  readonly platforms: readonly Platform[];
  readonly #bridge: Client<typeof gateway.LLBBridge>;
  readonly #call: CallOptions;
  readonly #solved: Promise<unknown>;
  readonly #news: Promise<void>;
  readonly #endNews: () => void;

  /** @throws {BuildError} when the engine refuses the build, or cannot run containers */
  static async open(client: BuildKitClient, options: LedBuildOptions): Promise<LedBuild> {
    const { sessionId, entitlements, signal } = options;
    const id = newSessionId();
    const [worker] = await client.listWorkers({ signal });
    if (!worker) throw new BuildError("unavailable", "the engine has no worker");
    const newsController = new AbortController();
    const news = follow(client, id, options, newsController.signal);
    const solved = client.solve(
      { Ref: id, Session: sessionId, Entitlements: [...entitlements], Cache: {} },
      { signal },
    );
    solved.catch(() => undefined); // every call that follows fails with it
    const bridge = createClient(gateway.LLBBridge, client.channel);
    const call: CallOptions = { signal, headers: { "buildkit-controlapi-buildid": id } };
    const build = new LedBuild({ bridge, call, solved, news, endNews: () => newsController.abort(), worker });
    const { FrontendAPICaps } = await build.#or(bridge.ping({}, { ...call, timeoutMs: pingTimeoutMs }));
    if (!FrontendAPICaps.some(({ ID, Enabled }) => ID === "gateway.exec" && Enabled)) {
      throw new BuildError("unimplemented", "the engine of this builder cannot run containers for its clients");
    }
    return build;
  }

  private constructor(parts: {
    bridge: Client<typeof gateway.LLBBridge>;
    call: CallOptions;
    solved: Promise<unknown>;
    news: Promise<void>;
    endNews: () => void;
    worker: { readonly platforms: readonly pb.Platform[] };
  }) {
    this.#bridge = parts.bridge;
    this.#call = parts.call;
    this.#solved = parts.solved;
    this.#news = parts.news;
    this.#endNews = parts.endNews;
    this.platforms = parts.worker.platforms.map(decodePlatform);
  }

  /** The config of an image, for a platform or what comes closest to it, and the digest of what its name points to. */
  async resolveImage(
    reference: string,
    platform: Platform,
  ): Promise<{ readonly digest: string; readonly config: Uint8Array }> {
    const { Digest, Config } = await this.#or(
      this.#bridge.resolveImageConfig(
        {
          Ref: reference,
          Platform: encodePlatform(platform),
          ResolveMode: "default",
          LogName: `[internal] load metadata for ${reference}`,
        },
        this.#call,
      ),
    );
    return { digest: Digest, config: Config };
  }

  /** Makes a result; it is known by the id that this returns for as long as the build goes on. */
  async solve(state: State): Promise<string> {
    const { result, ref } = await this.#or(
      this.#bridge.solve(
        { Definition: marshal(state), allowResultReturn: true, allowResultArrayRef: true, Evaluate: true },
        this.#call,
      ),
    );
    return result?.result.case === "ref" ? result.result.value.id : ref;
  }

  async newContainer(request: MessageInitShape<typeof gateway.NewContainerRequestSchema>): Promise<void> {
    await this.#or(this.#bridge.newContainer(request, this.#call));
  }

  async releaseContainer(ContainerID: string): Promise<void> {
    await this.#or(this.#bridge.releaseContainer({ ContainerID }, this.#call));
  }

  /** The stream of all processes of all containers. */
  exec(requests: AsyncIterable<ExecMessage>): AsyncIterable<gateway.ExecMessage> {
    return this.#bridge.execProcess(requests, this.#call);
  }

  /** Ends the build: there is no result. */
  async finish(): Promise<void> {
    await this.#or(this.#bridge.return({ result: {} }, this.#call));
    await this.#solved;
    await this.newsEnded();
  }

  /** Returns when the engine has told everything, or takes too long. */
  async newsEnded(): Promise<void> {
    const timer = setTimeout(this.#endNews, lastNewsMs);
    await this.#news;
    clearTimeout(timer);
  }

  /** The end of the build is the end of every call, and tells more. */
  async #or<T>(call: Promise<T>): Promise<T> {
    return await Promise.race([
      call,
      this.#solved.then(async () => await call), // rejects when the build fails
    ]);
  }
}

async function follow(
  client: BuildKitClient,
  ref: string,
  { onStatus }: LedBuildOptions,
  signal: AbortSignal,
): Promise<void> {
  try {
    for await (const status of client.status(ref, { signal })) onStatus(status);
  } catch {
    // Losing news is no reason to lose the build.
  }
}
