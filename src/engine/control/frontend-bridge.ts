import { pb } from "../../api/mod.ts";
import { create } from "../../base/protobuf/mod.ts";
import { BuildError, isAbort, messageOf } from "../../base/errors/mod.ts";
import { decodeDefinition, encodePlatform } from "../../llb/mod.ts";
import { type Digest, digestOf, type Platform, parseReference, withDefaultTag } from "../../oci/mod.ts";
import type {
  Bridge,
  FrontendResult,
  FrontendWarning,
  ImageResolveMode,
  ResolvedImageConfig,
  SourceTime,
} from "../frontends/mod.ts";
import type { Attestations } from "../attestations/mod.ts";
import type { AskedFacts, SourceFacts, SourceInstance } from "../ops/mod.ts";
import type { AttestationChain, ImageResolver } from "../sources/mod.ts";
import type { OpContext } from "../solver/mod.ts";
import type { Build } from "./build.ts";
import type { JobEnvironment } from "./environment.ts";
import { explained, type Policies } from "./policies.ts";
import type { RequestScope } from "./provenance/mod.ts";
import type { LazyResult } from "./lazy-result.ts";

/** What a frontend sees of the engine: one build. */
export class FrontendBridge implements Bridge {
  readonly options: Readonly<Record<string, string>>;
  readonly sessionId: string;
  readonly platforms: readonly Platform[];
  readonly inputs: Readonly<Record<string, pb.Definition>>;
  readonly #build: Build;
  readonly #policies: Policies;
  readonly #asksClient: boolean;
  readonly #depth: number;
  readonly #scope: RequestScope | undefined;
  readonly #times = new Map<Digest, Promise<SourceTime>>();
  readonly #said = new WeakMap<FrontendResult, Attestations>();
  readonly #configs = new Map<string, Promise<ResolvedImageConfig>>();

  constructor(
    build: Build,
    options: {
      readonly attributes: Readonly<Record<string, string>>;
      readonly inputs: Readonly<Record<string, pb.Definition>>;
      /** Rules about sources besides those of the request. */
      readonly policies?: Policies;
      readonly platforms: readonly Platform[];
      /** Whether the client's own policy has a say in what is asked about; usually so. */
      readonly asksClient?: boolean;
      /** See {@link FrontendOptions.depth}. */
      readonly depth?: number | undefined;
      /** The request that the frontend answers; undefined: what it asks is no part of the build. */
      readonly scope: RequestScope | undefined;
    },
  ) {
    this.#build = build;
    this.options = options.attributes;
    this.sessionId = build.sessionId;
    this.platforms = options.platforms;
    this.inputs = options.inputs;
    this.#policies = options.policies ?? [];
    this.#asksClient = options.asksClient ?? true;
    this.#depth = options.depth ?? 0;
    this.#scope = options.scope;
  }

  async resolveImageConfig(
    name: string,
    options: {
      platform: Platform;
      resolveMode: ImageResolveMode;
      logName: string;
      layout?: { readonly sessionId: string; readonly store: string };
      signal: AbortSignal;
    },
  ): Promise<ResolvedImageConfig> {
    const { platform, logName, layout } = options;
    const key = JSON.stringify([name, platform, logName, layout]);
    let config = this.#configs.get(key);
    if (!config) {
      config = this.#resolve(name, options);
      config.catch(() => undefined); // whoever asked gets the failure
      this.#configs.set(key, config);
    }
    return await config;
  }

  /** What policies have the build use in place of a source that somebody asks about. @throws {BuildError} when it may not be used */
  async allowed(
    op: pb.SourceOp,
    { platform, signal }: { readonly platform?: Platform; readonly signal: AbortSignal },
  ): Promise<pb.SourceOp> {
    const [policies, asksClient] = [this.#policies, this.#asksClient];
    const encoded = platform && encodePlatform(platform);
    return await explained("could not resolve image due to policy", async () =>
      this.#build.allowed(op, { platform: encoded, policies, asksClient, signal }),
    );
  }

  async #resolve(
    name: string,
    { platform, logName, layout, signal }: Parameters<Bridge["resolveImageConfig"]>[1],
  ): Promise<ResolvedImageConfig> {
    const asked = await this.allowed(
      create(pb.SourceOpSchema, {
        identifier: `${layout ? "oci-layout" : "docker-image"}://${name}`,
        attrs: layout ? { "oci.session": layout.sessionId, "oci.store": layout.store } : {},
      }),
      { platform, signal },
    );
    const [, allowed] = (layout ? /^oci-layout:\/\/(.*)$/ : /^docker-image:\/\/(.*)$/).exec(asked.identifier) ?? [];
    if (allowed === undefined) {
      throw new BuildError(
        "invalid_argument",
        `could not resolve image due to policy: ${name} is to be taken from ${asked.identifier}, which is no image`,
      );
    }
    const step = this.#build.job.progressFor({ digest: digestOf(`metadata ${logName}`), name: logName });
    step.start();
    try {
      const reference = withDefaultTag(parseReference(allowed));
      const { environment } = this.#build;
      const { images } = layout ? await environment.layout(layout.sessionId, layout.store, { signal }) : environment;
      const image = await images.resolve(reference, { platform, signal });
      step.complete();
      const { digest } = image;
      this.#scope?.noteImage({ ref: allowed, platform, digest, isLocal: layout !== undefined });
      return { ref: allowed, digest: image.digest, config: image.configBytes };
    } catch (error) {
      // Somebody else has failed: this step is told as called off when the build ends.
      if (isAbort(error) || signal.aborted) throw error;
      step.error(error);
      const code = error instanceof BuildError ? error.code : "unknown";
      throw new BuildError(code, `failed to resolve source metadata for ${name}: ${messageOf(error)}`, {
        cause: error,
      });
    }
  }

  /** What is said of an image, by the name under which it is {@link allowed}. */
  async attestations(
    ref: string,
    options: Parameters<ImageResolver["attestations"]>[1],
  ): Promise<AttestationChain | undefined> {
    return await this.#build.environment.images.attestations(withDefaultTag(parseReference(ref)), options);
  }

  async sourceTime(
    definition: pb.Definition,
    options: { readonly logName: string; readonly signal: AbortSignal },
  ): Promise<SourceTime | undefined> {
    const sources = [...decodeDefinition(definition).ops.values()].filter(({ op }) => op.op.case === "source");
    const [source] = sources;
    if (sources.length !== 1 || source?.op.op.case !== "source") return undefined;
    let time = this.#times.get(source.digest);
    if (!time) {
      time = this.#timeOf(source.op.op.value, options);
      time.catch(() => undefined); // whoever asked gets the failure
      this.#times.set(source.digest, time);
    }
    return await time;
  }

  async #timeOf(
    op: pb.SourceOp,
    options: { readonly logName: string; readonly signal: AbortSignal },
  ): Promise<SourceTime> {
    const source = await this.allowed(op, options);
    const { scheme, told } = await this.#ask(
      source,
      options,
      async (instance, context) => await instance.time?.(context),
    );
    return { scheme, seconds: told };
  }

  /** What is at a source now, which is {@link allowed}; `undefined` where sources of its kind do not tell. */
  async sourceFacts(
    op: pb.SourceOp,
    options: { readonly logName: string; readonly asked: AskedFacts; readonly signal: AbortSignal },
  ): Promise<SourceFacts | undefined> {
    const { asked } = options;
    return (await this.#ask(op, options, async (instance, context) => await instance.facts?.(context, asked))).told;
  }

  async #ask<T>(
    op: pb.SourceOp,
    { logName, signal }: { readonly logName: string; readonly signal: AbortSignal },
    ask: (instance: SourceInstance<JobEnvironment>, context: OpContext<JobEnvironment>) => Promise<T>,
  ): Promise<{ readonly scheme: string; readonly told: T | undefined }> {
    const { job, environment, deps } = this.#build;
    const { sources, platform } = deps.worker.ops;
    const scheme = op.identifier.slice(0, Math.max(0, op.identifier.indexOf("://")));
    const progress = job.progressFor({ digest: digestOf(`metadata ${logName}`), name: logName });
    progress.start();
    try {
      const source = sources.find((candidate) => candidate.scheme === scheme);
      if (!source) throw new BuildError("not_found", `unknown scheme ${scheme}: not found`);
      const told = await ask(source.open(op, { platform }), { signal, progress, environment });
      progress.complete();
      return { scheme, told };
    } catch (error) {
      if (!isAbort(error) && !signal.aborted) progress.error(error);
      throw error;
    }
  }

  async solve(definition: pb.Definition): Promise<LazyResult> {
    return await this.#build.add(definition, { policies: this.#policies, scope: this.#scope });
  }

  async runFrontend(
    attributes: Readonly<Record<string, string>>,
    { signal }: { readonly signal: AbortSignal },
  ): Promise<FrontendResult> {
    const { inputs } = this;
    const policies = this.#policies;
    const { refs, attestations, ...result } = await this.#build.runFrontend("gateway.v0", {
      attributes,
      inputs,
      policies,
      depth: this.#depth,
      ...(this.#scope && { scope: this.#scope }),
      signal,
    });
    const passedOn = {
      ...result,
      refs: refs.map(({ id, platform, result: { definition } }) => ({ id, platform, definition })),
    };
    this.#said.set(passedOn, attestations);
    return passedOn;
  }

  /** What another frontend has said of a result that {@link runFrontend} gave, and that is passed on as it was. */
  saidOf(result: FrontendResult): Attestations {
    return this.#said.get(result) ?? new Map();
  }

  warn(warning: FrontendWarning): void {
    const { vertex, short, detail, url, locations } = warning;
    const step = this.#build.job.progressFor({
      digest: vertex ?? digestOf("frontend warnings"),
      name: "[internal] load build definition from Dockerfile",
    });
    step.warn({
      level: 1,
      short,
      ...(detail ? { detail } : {}),
      ...(url ? { url } : {}),
      ...(locations ? { ranges: locations } : {}),
    });
  }
}
