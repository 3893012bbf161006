import { type pb, policysession } from "../../api/mod.ts";
import { BuildError } from "../../base/errors/mod.ts";
import { decodeDefinition, type Graph } from "../../llb/mod.ts";
import { type Digest, formatPlatform, type Platform } from "../../oci/mod.ts";
import { askedAttestations, type Attestations, sbomRequest } from "../attestations/mod.ts";
import { dockerfileFrontend, isBuiltinFrontend } from "../frontends/mod.ts";
import { loadDefinition } from "../ops/mod.ts";
import { type SourcePolicy, sourcePolicy } from "../policy/mod.ts";
import type { Registry } from "../../registry/mod.ts";
import type { Ref } from "../refs/mod.ts";
import type { Job } from "../solver/mod.ts";
import { BuildCaches, importsOfAttributes } from "./caches.ts";
import type { EngineDeps } from "./deps.ts";
import type { JobEnvironment } from "./environment.ts";
import { checkFrontend } from "./frontend-rules.ts";
import { FrontendBridge } from "./frontend-bridge.ts";
import { frontendError } from "./frontend-error.ts";
import { runImageFrontend } from "./gateway/mod.ts";
import { explained, type Policies } from "./policies.ts";
import { LazyResult, type ResultEdge } from "./lazy-result.ts";
import { askClient } from "./session-policy.ts";
import { type FrontendCall, RequestScope } from "./provenance/mod.ts";
import { openSessionRegistry } from "./session-registry.ts";
import { epochsOf, listContents, resolveModeOf } from "./sboms/mod.ts";
import { resolveSourceMeta } from "./source-meta.ts";

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
  readonly attestations: Attestations;
}

/** What a frontend is asked. */
export interface FrontendOptions {
  readonly attributes: Readonly<Record<string, string>>;
  readonly inputs: Readonly<Record<string, pb.Definition>>;
  /** Rules besides those of the request. */
  readonly policies?: Policies;
  /** The request of which this one is a part; the client's own by default. */
  readonly scope?: RequestScope;
  /** How many frontends that are images are waiting for this one; none by default. */
  readonly depth?: number;
  readonly signal: AbortSignal;
}

/** Each one that is an image is a process that waits. */
const maxFrontendDepth = 8;

/** A build under way: the job, and every graph that was added to it. Disposing of it releases what was made. */
export class Build implements AsyncDisposable {
  readonly job: Job<Ref, JobEnvironment>;
  readonly environment: JobEnvironment;
  readonly sessionId: string;
  readonly deps: EngineDeps;
  readonly caches: BuildCaches;
  /** What the client has asked for and come by. */
  readonly scope: RequestScope;
  /** Registries, with the credentials of the client whose build it is; with `insecure`, whatever their certificates. */
  readonly registry = ({ insecure }: { readonly insecure: boolean }): Registry => {
    if (!insecure) return this.environment.registry;
    const { hosts: configured, ...deps } = this.deps;
    const hosts = (host: string) => ({ ...configured(host), insecure: true, plainHttp: true });
    return (this.#insecure ??= openSessionRegistry({ ...deps, sessionId: this.sessionId, hosts }));
  };
  #insecure: Registry | undefined;
  readonly #results: LazyResult[] = [];
  readonly #policies: Policies;
  readonly #policy: SourcePolicy;
  readonly #policySession: string;
  readonly #noted = new DisposableStack();

  constructor(options: {
    readonly job: Job<Ref, JobEnvironment>;
    readonly environment: JobEnvironment;
    readonly sessionId: string;
    readonly deps: EngineDeps;
    readonly policies: Policies;
    /** What the client's request says. */
    readonly call: FrontendCall;
    /** Session of the client that has a policy of its own; empty: none has. */
    readonly policySession: string;
  }) {
    this.#policies = options.policies;
    this.#policySession = options.policySession;
    this.#policy = sourcePolicy(options.policies);
    this.job = options.job;
    this.environment = options.environment;
    this.sessionId = options.sessionId;
    this.deps = options.deps;
    this.scope = RequestScope.ofClient(options.call, options.deps.requests);
    this.caches = new BuildCaches(this);
  }

  /**
   * Adds a graph. Nothing runs before somebody looks into the result.
   * @param definition `undefined`: the empty tree
   * @param options.scope the request that came by it; undefined: provenance does not speak of it
   * @throws {BuildError} when the definition is malformed or asks for what this engine cannot do, or may not
   */
  async add(
    definition: pb.Definition | undefined,
    { policies = [], scope }: { readonly policies?: Policies; readonly scope?: RequestScope | undefined } = {},
  ): Promise<LazyResult> {
    const sources = definition && (await this.#sourcesOf(definition, policies));
    const loaded = definition && loadDefinition(definition, this.deps.worker.ops, sources ? { sources } : {});
    const result = this.#lazy(definition, loaded);
    scope?.noteResult(result);
    return result;
  }

  /** The empty tree. */
  empty(): LazyResult {
    return this.#lazy(undefined);
  }

  /** A tree that no graph makes. @param make gives the ref, to keep; called when somebody first looks into it */
  made(make: () => Promise<Ref>): LazyResult {
    const result = new LazyResult(make, { definition: undefined, edge: undefined, isEmpty: false });
    this.#results.push(result);
    return result;
  }

  #lazy(
    definition: pb.Definition | undefined,
    { edge, graph }: { readonly edge?: ResultEdge | undefined; readonly graph?: Graph } = {},
  ): LazyResult {
    const make = async () => (edge ? await this.job.build(edge) : undefined);
    const result = new LazyResult(make, { definition, edge, graph });
    this.#results.push(result);
    return result;
  }

  /** What to take in place of a definition's sources; `undefined`: nobody has a say in it. */
  async #sourcesOf(
    definition: pb.Definition,
    policies: Policies,
  ): Promise<ReadonlyMap<Digest, pb.SourceOp> | undefined> {
    if (this.#policySession === "" && this.#policies.length + policies.length === 0) return undefined;
    const sources = new Map<Digest, pb.SourceOp>();
    for (const [digest, { op }] of decodeDefinition(definition).ops) {
      if (op.op.case !== "source") continue;
      const { value } = op.op;
      const { signal } = this.job;
      const decide = async () => await this.allowed(value, { platform: op.platform, policies, signal });
      sources.set(digest, await explained("error evaluating the source policy", decide));
    }
    return sources;
  }

  /**
   * The source that is to be used in place of `op`, by the rules that the request brought and `policies`, and by the client's own policy.
   * @param options.asksClient false: only rules count
   * @throws {BuildError} when it may not be used, and for rules that make no sense
   */
  async allowed(
    op: pb.SourceOp,
    options: {
      readonly platform: pb.Platform | undefined;
      readonly policies: Policies;
      readonly asksClient?: boolean;
      readonly signal: AbortSignal;
    },
  ): Promise<pb.SourceOp> {
    const { platform, policies, asksClient = true, signal } = options;
    const rules = policies.length === 0 ? this.#policy : sourcePolicy([...this.#policies, ...policies]);
    if (!asksClient || this.#policySession === "") return rules.apply(op);
    const caller = await this.environment.session(this.#policySession, { signal });
    const verifier = caller.client(policysession.PolicyVerifier);
    const bridge = new FrontendBridge(this, {
      attributes: {},
      inputs: {},
      policies,
      platforms: [],
      asksClient: false,
      scope: undefined,
    });
    return await askClient(op, platform, {
      rules,
      client: {
        check: async (request) => await verifier.checkPolicy(request, { signal }),
        resolve: async (request) =>
          await explained("error resolving source metadata from policy request", async () =>
            resolveSourceMeta(bridge, request, signal),
          ),
      },
    });
  }

  /** A plain graph as a result: one tree, of this machine's platform. */
  async plain(
    definition: pb.Definition | undefined,
    { policies = [], scope = this.scope }: { readonly policies?: Policies; readonly scope?: RequestScope } = {},
  ): Promise<BuildResult> {
    const { platform } = this.deps.worker.ops;
    return {
      multiPlatform: false,
      metadata: {},
      attestations: new Map(),
      refs: [{ id: formatPlatform(platform), platform, result: await this.add(definition, { policies, scope }) }],
    };
  }

  /**
   * Runs a frontend of this engine, or one that is an image (`gateway.v0`).
   * @throws {BuildError} `not_found` when there is none of that name, and what goes wrong in it
   */
  async runFrontend(frontend: string, options: FrontendOptions): Promise<BuildResult> {
    if ((options.depth ?? 0) > maxFrontendDepth) {
      throw new BuildError("resource_exhausted", `frontends call each other more than ${maxFrontendDepth} deep`);
    }
    const { attributes, inputs, scope: caller = this.scope } = options;
    checkFrontend(frontend, attributes["source"], this.deps.frontends);
    const scope = caller.open({ frontend, attributes, inputs });
    try {
      const made = await this.#runFrontend(frontend, { ...options, scope });
      caller.add(scope);
      this.#note(made, scope);
      return made;
    } catch (error) {
      throw frontendError(error, { name: frontend, source: options.attributes["source"] });
    }
  }

  /** For other builds, which may be given what this one's frontend has made. */
  #note({ refs }: BuildResult, scope: RequestScope): void {
    for (const { result } of refs) {
      const owner = scope.ownerOf(result);
      if (result.definition && owner) {
        this.#noted.use(this.deps.requests.note(result.definition, owner.describe(undefined)));
      }
    }
  }

  /** @param options.scope this very request */
  async #runFrontend(
    frontend: string,
    options: FrontendOptions & { readonly scope: RequestScope },
  ): Promise<BuildResult> {
    const { attributes, inputs, policies = [], scope, signal } = options;
    this.caches.consult(importsOfAttributes(attributes));
    if (frontend === "gateway.v0") {
      const { source } = attributes;
      if (!source) throw new BuildError("invalid_argument", "no source specified for gateway");
      const isReplaced = `context:${source}` in attributes;
      if (isReplaced || !isBuiltinFrontend(source)) return await runImageFrontend(this, { source, ...options });
    }
    const asked = askedAttestations(attributes);
    const sbom = sbomRequest(asked);
    const runnable = await this.deps.worker.executor.platforms();
    const bridge = new FrontendBridge(this, {
      attributes,
      inputs,
      policies,
      platforms: runnable.map(({ platform }) => platform),
      depth: options.depth,
      scope,
    });
    const made = await dockerfileFrontend(bridge, { signal });
    const { refs, multiPlatform, metadata } = made;
    const results: PlatformResult[] = [];
    for (const { id, platform, definition } of refs) {
      // What another frontend has made at the request of this one stays what that one has made.
      const made = definition && scope.resultOfPart(definition);
      results.push({ id, platform, result: made ?? (await this.add(definition, { policies, scope })) });
    }
    const said = bridge.saidOf(made);
    const attestations = sbom
      ? await listContents(this, refs, {
          said,
          request: sbom,
          platform: refs[0]?.platform ?? this.deps.worker.ops.platform,
          resolveMode: resolveModeOf(attributes),
          bridge,
          policies,
          epochOf: epochsOf(metadata, attributes),
          signal,
        })
      : said;
    return { multiPlatform, metadata, refs: results, attestations };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#noted.dispose();
    await Promise.all(this.#results.map((result) => result[Symbol.asyncDispose]()));
  }
}
