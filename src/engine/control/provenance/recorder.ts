import { randomBytes } from "node:crypto";
import { BuildError } from "../../../base/errors/mod.ts";
import type { Digest } from "../../../oci/mod.ts";
import {
  type Attestation,
  type Attestations,
  Capture,
  checkComplete,
  type KnownProvenance,
  type OutputLayers,
  predicateOf,
  predicateText,
  predicateTypes,
  type ProvenanceWishes,
} from "../../attestations/mod.ts";
import { dockerfileVersion } from "../../frontends/mod.ts";
import type { RecordedStatement } from "../../history/mod.ts";
import type { SourceMaterial } from "../../ops/mod.ts";
import type { Ref } from "../../refs/mod.ts";
import type { Job } from "../../solver/mod.ts";
import type { BuildResult, PlatformResult } from "../build.ts";
import type { JobEnvironment } from "../environment.ts";
import type { LazyResult } from "../lazy-result.ts";
import { captureGraph } from "./capture-graph.ts";
import { imagesFor } from "./platform-images.ts";
import type { RequestScope } from "./request-scope.ts";

/**
 * Of larger graphs, records of builds tell the layers of their results alone: to look for those of every step would take longer than a build for which
 * nothing has to be done.
 */
const maxVerticesWithLayers = 256;

/** What a recorder is told of a build. */
export interface RecordedBuild {
  readonly job: Job<Ref, JobEnvironment>;
  /** All that the client asked and came by. */
  readonly scope: RequestScope;
  /** What sources turned out to be. */
  readonly material: (vertex: Digest) => SourceMaterial | undefined;
  readonly compatibilityVersion: number;
  /** Of the engine's machine, as text. */
  readonly builderPlatform: string;
  /** What the engine's owner wants to be told of it. */
  readonly provenanceEnv: Readonly<Record<string, unknown>>;
  readonly now: () => Date;
}

/** Tells how the results of one build were made. Works everything out when it is asked for, since most of it hardly anybody reads. */
export class ProvenanceRecorder {
  readonly #build: RecordedBuild;
  readonly #startedAt: Date;
  readonly #captures = new Map<LazyResult, Capture | undefined>();
  readonly #told = new Map<PlatformResult, KnownProvenance>();
  /** Nobody else's; 25 letters and digits, as BuildKit's. */
  readonly #invocationId = BigInt(`0x${randomBytes(17).toString("hex")}`)
    .toString(36)
    .padStart(25, "0")
    .slice(0, 25);
  #finishedAt: Date | undefined;

  constructor(build: RecordedBuild) {
    this.#build = build;
    this.#startedAt = build.now();
  }

  /**
   * The provenance of every tree of a result that has been made, to be written when somebody reads it: whoever exports the result.
   * @throws {BuildError} when all materials are to be named and some cannot be
   */
  attestations(result: BuildResult, wishes: ProvenanceWishes): Attestations {
    const told = new Map<string, readonly Attestation[]>();
    for (const ref of result.refs) {
      const known = this.#known(ref, result);
      if (!known) continue;
      if (wishes.completeMaterials) checkComplete(known.capture);
      told.set(ref.id, [this.#attestation(known, ref.result, wishes)]);
    }
    return told;
  }

  #attestation(known: KnownProvenance, result: LazyResult, wishes: ProvenanceWishes): Attestation {
    const { filename, inlineOnly, version } = wishes;
    let bytes: Promise<Uint8Array> | undefined;
    const write = async () => {
      const layers = wishes.mode === "max" ? await this.#layersOf(result, Number.POSITIVE_INFINITY) : undefined;
      return this.#write(known, result, wishes, (await layers?.()) ?? []);
    };
    return {
      kind: "in-toto",
      metadata: { reason: Buffer.from("provenance"), "inline-only": Buffer.from(String(inlineOnly)) },
      path: filename,
      predicateType: predicateTypes[version],
      subjects: [],
      files: {
        readFile: async (path) => {
          if (path !== filename) throw new BuildError("not_found", `open ${path}: no such file or directory`);
          return await (bytes ??= write());
        },
        readDir: (path) => Promise.reject(new BuildError("not_found", `open ${path}: no such file or directory`)),
      },
    };
  }

  /**
   * What a build's record says of how its results were made. To be called before the job ends; what it returns writes it, once, at any time.
   * @param builderId see {@link ProvenanceWishes}
   */
  async statements(result: BuildResult, builderId: string): Promise<() => Promise<readonly RecordedStatement[]>> {
    const wishes = { mode: "max", version: "v1", builderId, reproducible: false } as const;
    const later = await Promise.all(
      result.refs.map(async (ref) => {
        const layers = await this.#layersOf(ref.result, maxVerticesWithLayers);
        return { ref, layers };
      }),
    );
    this.#finishedAt ??= this.#build.now();
    return async () => {
      const told: RecordedStatement[] = [];
      for (const { ref, layers } of later) {
        const found = await layers();
        const known = this.#known(ref, result);
        if (!known) continue;
        const bytes = this.#write(known, ref.result, wishes, found);
        told.push({ platform: result.multiPlatform ? ref.id : undefined, predicateType: predicateTypes.v1, bytes });
      }
      return told;
    };
  }

  #write(
    known: KnownProvenance,
    { definition, graph }: LazyResult,
    wishes: Pick<ProvenanceWishes, "mode" | "version" | "builderId" | "reproducible">,
    layers: readonly OutputLayers[],
  ): Uint8Array {
    const { compatibilityVersion, builderPlatform, provenanceEnv: environment, now } = this.#build;
    const predicate = predicateOf(
      known,
      {
        invocationId: this.#invocationId,
        startedAt: this.#startedAt,
        finishedAt: (this.#finishedAt ??= now()),
        builderPlatform,
        dockerfileVersion,
        compatibilityVersion,
        environment,
        steps: definition && graph && { definition, graph },
        layers,
      },
      wishes,
    );
    return Buffer.from(predicateText(predicate, wishes.version));
  }

  /** What was known when somebody first asked. `undefined`: the tree is empty, there is nothing to tell. */
  #known(ref: PlatformResult, result: BuildResult): KnownProvenance | undefined {
    let known = this.#told.get(ref);
    if (!known) {
      known = this.#find(ref, result);
      if (known) this.#told.set(ref, known);
    }
    return known;
  }

  #find(
    { platform, result }: PlatformResult,
    { refs, multiPlatform, attestations }: BuildResult,
  ): KnownProvenance | undefined {
    const own = this.#capture(result);
    if (!own) return undefined;
    const { scope } = this.#build;
    const owner = scope.ownerOf(result) ?? scope;
    const all = new Capture();
    all.merge(own);
    // What is said of a result is no part of it.
    const statements = [...attestations.values()].flat().map(({ files }) => files);
    const finals = new Set<object>([...refs.map((ref) => ref.result), ...statements]);
    for (const other of new Set(owner.results())) {
      const capture = finals.has(other) ? undefined : this.#capture(other);
      if (capture) all.merge(capture);
    }
    const platforms = refs.map((ref) => ref.platform);
    for (const image of imagesFor(multiPlatform ? platform : undefined, [...owner.images()], platforms)) {
      all.addImage(image);
    }
    return { capture: all, described: owner.describe(own, all) };
  }

  /** What its graph tells; `undefined`: there is none, or it has not been made. */
  #capture(result: LazyResult): Capture | undefined {
    if (!result.graph?.result || !result.isMade) return undefined;
    let capture = this.#captures.get(result);
    if (!capture) {
      capture = captureGraph(result.graph, this.#build.material);
      this.#captures.set(result, capture);
    }
    return capture;
  }

  /** Takes hold of what the steps of a result have made, as far as it is known; what is returned gives the layers, and lets go. */
  async #layersOf({ edge }: LazyResult, maxVertices: number): Promise<() => Promise<readonly OutputLayers[]>> {
    const outputs = edge ? await this.#build.job.outputs([edge], { maxVertices }) : [];
    return async () => {
      const known: OutputLayers[] = [];
      for (const { vertex, index, take } of outputs) {
        const ref = await take().catch(() => undefined); // it is gone: nothing is known of it
        const layers = ref?.knownBlobs();
        if (layers) known.push({ vertex: vertex.digest, index, layers });
        await ref?.release();
      }
      return known;
    };
  }
}
