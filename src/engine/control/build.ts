import type { pb } from "../../api/mod.ts";
import { BuildError } from "../../base/errors/mod.ts";
import { formatPlatform, type Platform } from "../../oci/mod.ts";
import { dockerfileFrontend, isBuiltinFrontend } from "../frontends/mod.ts";
import { loadDefinition } from "../ops/mod.ts";
import { type SourcePolicy, sourcePolicy } from "../policy/mod.ts";
import type { Registry } from "../../registry/mod.ts";
import type { Ref } from "../refs/mod.ts";
import type { Job } from "../solver/mod.ts";
import { BuildCaches, importsOfAttributes } from "./caches.ts";
import type { EngineDeps } from "./deps.ts";
import type { JobEnvironment } from "./environment.ts";
import { FrontendBridge } from "./frontend-bridge.ts";
import { runImageFrontend } from "./gateway/mod.ts";
import { applied, type Policies } from "./policies.ts";
import { LazyResult } from "./lazy-result.ts";
import { openSessionRegistry } from "./session-registry.ts";

/** One filesystem of a build's result, not made yet. */
export interface PlatformResult {
  /** Platform as text: the key of a result map. */
  readonly id: string;
  readonly platform: Platform;
  readonly result: LazyResult;
}

/** What a frontend made: graphs, and what it says of them. */
export interface BuildResult {
  readonly refs: readonly PlatformResult[];
  /** Whether it is a map by platform or one single tree. */
  readonly multiPlatform: boolean;
  readonly metadata: Readonly<Record<string, Uint8Array>>;
}

/** A build under way: the job, and every graph that was added to it. Disposing of it releases what was made. */
export class Build implements AsyncDisposable {
  readonly job: Job<Ref, JobEnvironment>;
  readonly environment: JobEnvironment;
  readonly sessionId: string;
  readonly deps: EngineDeps;
  readonly caches: BuildCaches;
  /** Registries, with the credentials of the client whose build it is; with `insecure`, whatever their certificates. */
  readonly registry = ({ insecure }: { readonly insecure: boolean }): Registry => {
    if (!insecure) return this.environment.registry;
    const { sessions, hosts: configured } = this.deps;
    const hosts = (host: string) => ({ ...configured(host), insecure: true, plainHttp: true });
    return (this.#insecure ??= openSessionRegistry({ sessions, sessionId: this.sessionId, hosts }));
  };
  #insecure: Registry | undefined;
  readonly #results: LazyResult[] = [];
  readonly #policies: Policies;
  readonly #policy: SourcePolicy;

  constructor(options: {
    readonly job: Job<Ref, JobEnvironment>;
    readonly environment: JobEnvironment;
    readonly sessionId: string;
    readonly deps: EngineDeps;
    readonly policies: Policies;
  }) {
    this.#policies = options.policies;
    this.#policy = sourcePolicy(options.policies);
    this.job = options.job;
    this.environment = options.environment;
    this.sessionId = options.sessionId;
    this.deps = options.deps;
    this.caches = new BuildCaches(this);
  }

  /**
   * Adds a graph. Nothing runs before somebody looks into the result.
   * @param definition `undefined`: the empty tree
   * @throws {BuildError} when the definition is malformed or asks for what this engine cannot do
   */
  add(definition: pb.Definition | undefined, policies: Policies = []): LazyResult {
    const policy = this.policy(policies);
    const sourceOf = (op: pb.SourceOp) => applied(policy, op, "error evaluating the source policy");
    const edge = definition && loadDefinition(definition, this.deps.worker.ops, { sourceOf }).edge;
    const make = async () => (edge ? await this.job.build(edge) : undefined);
    const result = new LazyResult(make, { definition, edge });
    this.#results.push(result);
    return result;
  }

  /** The rules that the request brought, and `more`. @throws {BuildError} for rules that make no sense */
  policy(more: Policies): SourcePolicy {
    if (more.length === 0) return this.#policy;
    return sourcePolicy([...this.#policies, ...more]);
  }

  /** A plain graph as a result: one tree, of this machine's platform. */
  plain(definition: pb.Definition | undefined, policies: Policies = []): BuildResult {
    const { platform } = this.deps.worker.ops;
    return {
      multiPlatform: false,
      metadata: {},
      refs: [{ id: formatPlatform(platform), platform, result: this.add(definition, policies) }],
    };
  }

  /** Runs a frontend of this engine, or one that is an image (`gateway.v0`). @throws {BuildError} `not_found` when there is none of that name */
  async runFrontend(
    frontend: string,
    options: {
      readonly attributes: Readonly<Record<string, string>>;
      readonly inputs: Readonly<Record<string, pb.Definition>>;
      /** Rules besides those of the request. */
      readonly policies?: Policies;
      readonly signal: AbortSignal;
    },
  ): Promise<BuildResult> {
    if (frontend !== "dockerfile.v0" && frontend !== "gateway.v0") {
      throw new BuildError(
        "not_found",
        `frontend ${frontend} not found: this engine has dockerfile.v0, and gateway.v0 for those that are images`,
      );
    }
    const { attributes, inputs, policies = [], signal } = options;
    this.caches.consult(importsOfAttributes(attributes));
    if (frontend === "gateway.v0") {
      const { source } = attributes;
      if (!source) throw new BuildError("invalid_argument", "no source specified for gateway");
      const isReplaced = `context:${source}` in attributes;
      if (isReplaced || !isBuiltinFrontend(source)) return await runImageFrontend(this, { source, ...options });
    }
    for (const key of Object.keys(attributes)) {
      if (key.startsWith("attest:")) {
        throw new BuildError(
          "unimplemented",
          `attestation "${key.slice("attest:".length)}" is not supported by this engine yet`,
        );
      }
    }
    const runnable = await this.deps.worker.executor.platforms();
    const bridge = new FrontendBridge(this, {
      attributes,
      inputs,
      policies,
      platforms: runnable.map(({ platform }) => platform),
    });
    const { refs, multiPlatform, metadata } = await dockerfileFrontend(bridge, { signal });
    return {
      multiPlatform,
      metadata,
      refs: refs.map(({ id, platform, definition }) => ({ id, platform, result: this.add(definition, policies) })),
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#results.map((result) => result[Symbol.asyncDispose]()));
  }
}
