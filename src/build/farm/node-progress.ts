import { createHash } from "node:crypto";
import { formatPlatform, type Platform } from "../../oci/mod.ts";
import type { StatusResponse } from "../../client/mod.ts";
import type { ClientStep } from "../events.ts";

type Vertex = StatusResponse["vertexes"][number];

/** Which node has shown a step first, by the step's digest; shared by all nodes of one build. */
export type Claims = Map<string, NodeProgress>;

/**
 * What one of several nodes tells, fit to be shown beside what the others tell. Two nodes may do the same step, each for itself: then it has two
 * digests. The node's name is part of a step's name, unless that already says a platform that only this node builds.
 */
export class NodeProgress {
  readonly #node: string;
  readonly #claims: Claims;
  readonly #own = new Set<string>();
  readonly #open = new Map<string, Vertex>();
  constructor(node: string, claims: Claims) {
    this.#node = node;
    this.#claims = claims;
  }
  /** Tells that the node builds for these platforms. */
  owns(platforms: readonly Platform[]): void {
    for (const platform of platforms) this.#own.add(formatPlatform(platform));
  }
  /** News of the node's engine. */
  status(news: StatusResponse): StatusResponse {
    const vertexes = news.vertexes.map((vertex) => this.#vertex(vertex));
    for (const vertex of vertexes) {
      if (vertex.started && !vertex.completed) this.#open.set(vertex.digest, vertex);
      else this.#open.delete(vertex.digest);
    }
    return {
      ...news,
      vertexes,
      statuses: news.statuses.map((status) => ({ ...status, vertex: this.#digest(status.vertex) })),
      logs: news.logs.map((log) => ({ ...log, vertex: this.#digest(log.vertex) })),
      warnings: news.warnings.map((warning) => ({ ...warning, vertex: this.#digest(warning.vertex) })),
    };
  }
  /** A step that the client does for this node. */
  step(step: ClientStep): ClientStep {
    return { ...step, id: `${this.#node} ${step.id}`, name: this.#name(step.name) };
  }
  /** Ends the steps that the node has left behind, as cancelled. @returns nothing when there are none */
  abandon(now: Date): StatusResponse | undefined {
    const [first, ...rest] = this.#open.values();
    if (!first?.started) return undefined;
    const ms = now.getTime();
    const seconds = BigInt(Math.floor(ms / 1000));
    const completed = { ...first.started, seconds, nanos: (ms % 1000) * 1_000_000 };
    const vertexes = [first, ...rest].map((vertex) => ({ ...vertex, completed, error: "context canceled" }));
    this.#open.clear();
    return {
      $typeName: "moby.buildkit.v1.StatusResponse",
      vertexes,
      statuses: [],
      logs: [],
      warnings: [],
    };
  }
  #vertex(vertex: Vertex): Vertex {
    const group = vertex.progressGroup;
    return {
      ...vertex,
      digest: this.#digest(vertex.digest),
      inputs: vertex.inputs.map((input) => this.#digest(input)),
      name: this.#name(vertex.name),
      ...(group ? { progressGroup: { ...group, id: `${this.#node} ${group.id}`, name: this.#name(group.name) } } : {}),
    };
  }
  #name(name: string): string {
    const [, inside] = /^\[([^\] ]+)/.exec(name) ?? [];
    if (inside !== undefined && this.#own.has(inside)) return name;
    return name.startsWith("[") ? `[${this.#node} ${name.slice(1)}` : `[${this.#node}] ${name}`;
  }
  #digest(digest: string): string {
    const owner = this.#claims.get(digest);
    if (owner === this) return digest;
    if (!owner) {
      this.#claims.set(digest, this);
      return digest;
    }
    return `sha256:${createHash("sha256").update(`${this.#node} ${digest}`).digest("hex")}`;
  }
}
