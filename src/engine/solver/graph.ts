import type { Digest } from "../../oci/mod.ts";
import type { JobScope } from "./job-scope.ts";
import { Node } from "./node.ts";
import type { Edge, Result, Vertex } from "./op.ts";

/** The vertices of a job, each once, however many definitions name it. */
export class Graph<R extends Result, C> {
  readonly #job: JobScope<R, C>;
  readonly #nodes = new Map<string, Node<R, C>>();

  constructor(job: JobScope<R, C>) {
    this.#job = job;
  }

  /** The node of `vertex`. It and everything it stands on is announced, inputs first, where that has not happened yet. */
  add(vertex: Vertex<R, C>): Node<R, C> {
    // A stack of our own: graphs may be deeper than the engine's call stack.
    const stack: { readonly vertex: Vertex<R, C>; next: number }[] = [{ vertex, next: 0 }];
    for (let top = stack.at(-1); top; top = stack.at(-1)) {
      const input = top.next === 0 && this.#find(top.vertex) ? undefined : top.vertex.inputs[top.next++];
      if (input) {
        if (!this.#find(input.vertex)) stack.push({ vertex: input.vertex, next: 0 });
      } else {
        if (!this.#find(top.vertex)) this.#create(top.vertex);
        stack.pop();
      }
    }
    return this.#get(vertex);
  }

  /** Every node that `edges` stand on, inputs first, with the outputs that somebody wants of it. The vertices must have been added. */
  below(edges: readonly Edge<R, C>[]): ReadonlyMap<Node<R, C>, ReadonlySet<number>> {
    const wanted = new Map<Node<R, C>, Set<number>>();
    const want = (node: Node<R, C>, index: number) => {
      const indexes = wanted.get(node);
      if (indexes) indexes.add(index);
      else wanted.set(node, new Set([index]));
    };
    const order = new Set<Node<R, C>>();
    for (const { vertex, index } of edges) {
      const top = this.#get(vertex);
      want(top, index);
      const stack = [{ node: top, next: 0 }];
      for (let at = stack.at(-1); at; at = stack.at(-1)) {
        const input = order.has(at.node) ? undefined : at.node.inputs[at.next++];
        if (input) {
          want(input.node, input.index);
          if (!order.has(input.node)) stack.push({ node: input.node, next: 0 });
        } else {
          order.add(at.node);
          stack.pop();
        }
      }
    }
    return new Map([...order].map((node) => [node, wanted.get(node) ?? new Set()]));
  }

  #create(vertex: Vertex<R, C>): void {
    const { digest, name, progressGroup } = vertex;
    const inputs = vertex.inputs.map((input) => ({ node: this.#get(input.vertex), index: input.index }));
    this.#nodes.set(nodeName(digest, vertex.ignoreCache), new Node(vertex, inputs, this.#job));
    this.#job.board.announce({
      digest,
      name,
      inputs: vertex.inputs.map((input) => input.vertex.digest),
      ...(progressGroup && { progressGroup }),
    });
  }

  /** A vertex that may come from the cache is also satisfied by its twin that may not, never the other way round. */
  #find({ digest, ignoreCache }: Vertex<R, C>): Node<R, C> | undefined {
    return this.#nodes.get(nodeName(digest, true)) ?? (ignoreCache ? undefined : this.#nodes.get(digest));
  }

  #get(vertex: Vertex<R, C>): Node<R, C> {
    const node = this.#find(vertex);
    if (!node) throw new Error(`Internal error: vertex ${vertex.digest} is not in the graph`);
    return node;
  }
}

function nodeName(digest: Digest, ignoreCache = false): string {
  return ignoreCache ? `${digest} without cache` : digest;
}
