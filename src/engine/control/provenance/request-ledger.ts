import { pb } from "../../../api/mod.ts";
import { fromBinary } from "../../../base/protobuf/mod.ts";
import { type DescribedRequest, isSameRequest } from "../../attestations/mod.ts";

/**
 * By which requests the graphs were made that builds under way were given by frontends. A client may hand such a graph to another build (as bake does
 * for targets that stand on each other), and that one's provenance tells where it came from.
 */
export class RequestLedger {
  readonly #requests = new Map<string, Set<DescribedRequest>>();

  /** Remembers, until it is disposed of, by which request a graph was made. */
  note(definition: pb.Definition, request: DescribedRequest): Disposable {
    const head = headOf(definition);
    if (head === undefined) return { [Symbol.dispose]: () => {} };
    const known = this.#requests.get(head) ?? new Set();
    this.#requests.set(head, known.add(request));
    return {
      [Symbol.dispose]: () => {
        known.delete(request);
        if (known.size === 0 && this.#requests.get(head) === known) this.#requests.delete(head);
      },
    };
  }

  /** The request that made a graph, without that of which it was a part; `undefined`: it is not known, or not clear. */
  find(definition: pb.Definition): DescribedRequest | undefined {
    if (this.#requests.size === 0) return undefined;
    const known = [...(this.#requests.get(headOf(definition) ?? "") ?? [])].map(withoutRoot);
    const [first, ...others] = known;
    return first && others.every((other) => isSameRequest(first, other)) ? first : undefined;
  }
}

function withoutRoot({ configSource, request: { root: _root, ...request } }: DescribedRequest): DescribedRequest {
  return { configSource, request };
}

/** Digest of the op whose output a graph is for. Graphs that cannot be read are told where they are used. */
function headOf(definition: pb.Definition): string | undefined {
  const last = definition.def.at(-1);
  if (!last) return undefined;
  try {
    return fromBinary(pb.OpSchema, last).inputs[0]?.digest;
  } catch {
    return undefined;
  }
}
