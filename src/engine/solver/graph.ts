import type { Digest } from "../../oci/mod.ts";
import type { JobScope } from "./job-scope.ts";
import { Node } from "./node.ts";
import type { Result, Vertex } from "./op.ts";

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
