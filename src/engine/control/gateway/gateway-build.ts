import { randomUUID } from "node:crypto";
import { gateway, type pb } from "../../../api/mod.ts";
import { BuildError, messageOf } from "../../../base/errors/mod.ts";
import { formatPlatform, normalizePlatform, type Platform } from "../../../oci/mod.ts";
import { errorOf } from "../../../rpc/mod.ts";
import { create, type MessageInitShape } from "../../../base/protobuf/mod.ts";
import type { Build, BuildResult, PlatformResult } from "../build.ts";
import { buildFailure } from "../build-failure.ts";
import { FrontendBridge } from "../frontend-bridge.ts";
import type { RequestScope } from "../provenance/mod.ts";
import type { Policies } from "../policies.ts";
import type { Ref } from "../../refs/mod.ts";
import { LazyResult } from "../lazy-result.ts";
import { GatewayAttestations } from "./gateway-attestations.ts";
import { GatewayContainers } from "./containers/mod.ts";
import { withSolveDetail } from "./solve-detail.ts";

type ResultInit = MessageInitShape<typeof gateway.ResultSchema>;

/** What the graphs that one build has added, and what it has told, may take together: they are kept until it ends. */
const maxKeptBytes = 128 * 1024 * 1024;
/** What a graph, or a word, takes besides its own bytes. */
const keptOverheadBytes = 4096;

/** A build whose frontend runs elsewhere, in the client or in a container: it adds graphs, looks into results, and says in the end which of them is the result. */
export class GatewayBuild {
  readonly build: Build;
  readonly bridge: FrontendBridge;
  readonly containers: GatewayContainers;
  readonly #signal: AbortSignal;
  readonly #depth: number;
  readonly #scope: RequestScope;
  readonly #refs = new Map<string, LazyResult>();
  /** What failed steps have left behind, by its own id; the job holds it. */
  readonly #leftovers = new Map<string, LazyResult>();
  readonly #attestations = new GatewayAttestations();
  readonly #returned = Promise.withResolvers<BuildResult>();
  #settled = false;
  #keptBytes = 0;

  /** Graphs that the frontend was given, by name. */
  readonly inputs: Readonly<Record<string, pb.Definition>>;

  constructor(
    build: Build,
    options: {
      readonly platforms: readonly Platform[];
      readonly inputs?: Readonly<Record<string, pb.Definition>>;
      /** See {@link FrontendOptions.depth}. */
      readonly depth?: number;
      /** The request that the frontend answers; the client's own by default. */
      readonly scope?: RequestScope;
      readonly signal: AbortSignal;
    },
  ) {
    this.build = build;
    this.inputs = options.inputs ?? {};
    this.#signal = options.signal;
    this.#depth = options.depth ?? 0;
    this.#scope = options.scope ?? build.scope;
    this.containers = new GatewayContainers({ build, find: (id) => this.#mountable(id), signal: options.signal });
    this.bridge = new FrontendBridge(build, {
      attributes: {},
      inputs: {},
      platforms: options.platforms,
      scope: this.#scope,
    });
  }

  /** Whether the final word has been said. */
  get isSettled(): boolean {
    return this.#settled;
  }

  /** What the client said the result is. @throws what it said went wrong */
  get returned(): Promise<BuildResult> {
    return this.#returned.promise;
  }

  /** The build as a frontend sees it under rules of its own. */
  bridgeWith(policies: Policies): FrontendBridge {
    if (policies.length === 0) return this.bridge;
    const { platforms } = this.bridge;
    return new FrontendBridge(this.build, { attributes: {}, inputs: {}, policies, platforms, scope: this.#scope });
  }

  /** Runs a frontend of this engine or adds a graph; the answer names results by ids that are good until the build ends. */
  async solve(request: gateway.SolveRequest): Promise<ResultInit> {
    return await this.explaining(async () => await this.#solve(request));
  }

  /** Does what may fail because a step does: then the client is told which one, and gets ids for what is left of it. */
  async explaining<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      throw buildFailure(withSolveDetail(error, (result) => this.#leave(result)));
    }
  }

  async #solve(request: gateway.SolveRequest): Promise<ResultInit> {
    if (request.Frontend !== "" && (request.Definition?.def.length ?? 0) > 0) {
      throw new BuildError("invalid_argument", "cannot solve with both Definition and Frontend specified");
    }
    this.#account(request.Definition);
    this.build.caches.consult(request.CacheImports);
    const policies = request.SourcePolicies;
    const result =
      request.Frontend === ""
        ? await this.build.plain(request.Definition, { policies, scope: this.#scope })
        : await this.build.runFrontend(request.Frontend, {
            attributes: request.FrontendOpt,
            inputs: request.FrontendInputs,
            policies,
            depth: this.#depth,
            scope: this.#scope,
            signal: this.#signal,
          });
    if (request.Evaluate) await Promise.all(result.refs.map(async ({ result }) => await result.build()));
    const attestations = this.#attestations.encode(result.attestations, (result) => this.#name(result));
    const named = result.refs.map(({ id, result }) => [id, this.#name(result)] as const);
    const metadata = { ...result.metadata } as Record<string, Uint8Array<ArrayBuffer>>;
    const said = { metadata, attestations };
    const [first] = named;
    // A question that was answered: nothing but metadata.
    if (!result.multiPlatform && !first) return { result: { case: "ref", value: { id: "" } }, ...said };
    if (!result.multiPlatform && first) return { result: { case: "ref", value: first[1] }, ...said };
    return { result: { case: "refs", value: { refs: Object.fromEntries(named) } }, ...said };
  }

  /** @throws {BuildError} `not_found` when the id names no result of this build */
  ref(id: string): LazyResult {
    const found = this.#refs.get(id);
    if (!found) throw new BuildError("not_found", id === "" ? `empty ref: ${id}` : `no such ref: ${id}`);
    return found;
  }

  /** Takes a result of {@link solve} as the final word, as clients have it that know no other way. */
  returnFinal(id: string, metadata: Readonly<Record<string, Uint8Array>>, exporterAttributes: Uint8Array): void {
    const attributes = finalAttributes(exporterAttributes);
    const result = { metadata: { ...attributes, ...metadata }, result: { case: "ref" as const, value: { id } } };
    this.return({ result: create(gateway.ResultSchema, result as ResultInit), error: undefined });
  }

  #given(id: string): LazyResult {
    const found = this.#refs.get(id);
    if (!found) throw new BuildError("not_found", `return reference ${id} not found`);
    return found;
  }

  /** Takes the final word of the client. */
  return({ result, error }: Pick<gateway.ReturnRequest, "result" | "error">): void {
    if ((result === undefined) === (error === undefined)) {
      throw new BuildError("invalid_argument", "gateway return must be either result or err");
    }
    const returned = result && this.#resultOf(result);
    if (this.#settled) throw new BuildError("already_exists", "gateway result is already set");
    this.#settled = true;
    if (error) this.#returned.reject(errorOf(error));
    else if (returned) this.#returned.resolve(returned);
    this.#returned.promise.catch(() => undefined); // whoever waits for the build gets the failure
  }

  /**
   * Counts what the frontend has this build keep, besides graphs.
   * @throws {BuildError} `resource_exhausted` when it goes on without end
   */
  keep(bytes: number): void {
    this.#keptBytes += keptOverheadBytes + bytes;
    if (this.#keptBytes <= maxKeptBytes) return;
    throw new BuildError(
      "resource_exhausted",
      `the definitions of a build and its warnings take more than ${maxKeptBytes} bytes`,
    );
  }

  /** As {@link keep}, for a graph. */
  #account(definition: pb.Definition | undefined): void {
    const ops = definition?.def.reduce((sum, { byteLength }) => sum + byteLength, 0) ?? 0;
    const files = definition?.Source?.infos.reduce((sum, { data }) => sum + data.byteLength, 0) ?? 0;
    this.keep(ops + files);
  }

  /** What can be mounted in a container. */
  #mountable(id: string): LazyResult {
    return this.#leftovers.get(id) ?? this.#given(id);
  }

  #leave(result: Ref): string {
    const { id } = result;
    const found = new LazyResult(() => Promise.resolve(result), { definition: undefined, edge: undefined });
    if (!this.#leftovers.has(id)) this.#leftovers.set(id, found);
    return id;
  }

  /** What the client knows a result by: an id for this build, and what it is made of for others. */
  #name(result: LazyResult): MessageInitShape<typeof gateway.RefSchema> {
    const { definition, isEmpty } = result;
    if (isEmpty) return { id: "" };
    const id = randomUUID();
    this.#refs.set(id, result);
    return { id, ...(definition ? { def: definition } : {}) };
  }

  #resultOf({ result, metadata, attestations }: gateway.Result): BuildResult {
    const ids: Readonly<Record<string, string>> =
      result.case === "ref"
        ? { "": result.value.id }
        : result.case === "refDeprecated"
          ? { "": result.value }
          : result.case === "refs"
            ? Object.fromEntries(Object.entries(result.value.refs).map(([key, { id }]) => [key, id]))
            : result.case === "refsDeprecated"
              ? result.value.refs
              : {};
    const platforms = platformsOf(metadata);
    const multiPlatform = result.case === "refs" || result.case === "refsDeprecated";
    const [first] = platforms;
    const refs = Object.entries(ids).map(([key, ref]): PlatformResult => {
      const platform = (multiPlatform ? platforms.get(key) : first?.[1]) ?? this.build.deps.worker.ops.platform;
      // An empty id is the empty tree.
      return {
        id: key === "" ? (first?.[0] ?? formatPlatform(platform)) : key,
        platform,
        result: ref === "" ? this.build.empty() : this.#given(ref),
      };
    });
    const order = [...platforms.keys()];
    return {
      multiPlatform,
      metadata,
      attestations: this.#attestations.decode(attestations, (id) => this.#given(id)),
      refs: refs.sort((a, b) => order.indexOf(a.id) - order.indexOf(b.id)),
    };
  }
}

/** JSON of base64 values. @throws {BuildError} `invalid_argument` */
function finalAttributes(json: Uint8Array): Record<string, Uint8Array> {
  try {
    const values = json.byteLength === 0 ? {} : (JSON.parse(Buffer.from(json).toString()) as Record<string, string>);
    return Object.fromEntries(Object.entries(values ?? {}).map(([key, value]) => [key, Buffer.from(value, "base64")]));
  } catch (cause) {
    throw new BuildError("invalid_argument", `malformed exporter attributes: ${messageOf(cause)}`, { cause });
  }
}

/** The platforms that a result's metadata lists, by id, in order. @throws {BuildError} `invalid_argument` when it is malformed */
function platformsOf(metadata: Readonly<Record<string, Uint8Array>>): ReadonlyMap<string, Platform> {
  const bytes = metadata["refs.platforms"];
  if (!bytes) return new Map();
  try {
    const { Platforms } = JSON.parse(Buffer.from(bytes).toString()) as {
      Platforms: { ID: string; Platform: { os: string; architecture: string; variant?: string } }[];
    };
    return new Map(
      Platforms.map(({ ID, Platform: { os, architecture, variant } }) => [
        ID,
        normalizePlatform({ os, architecture, ...(variant ? { variant } : {}) }),
      ]),
    );
  } catch (cause) {
    throw new BuildError("invalid_argument", "failed to parse platforms passed to exporter", { cause });
  }
}
