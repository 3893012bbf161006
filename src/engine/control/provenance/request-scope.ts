import type { pb } from "../../../api/mod.ts";
import {
  type Capture,
  type DescribedRequest,
  describeRequest,
  type FrontendRequest,
  type ImageMaterial,
  isSameRequest,
} from "../../attestations/mod.ts";
import type { LazyResult } from "../lazy-result.ts";
import type { RequestLedger } from "./request-ledger.ts";

/** What a frontend is called with, as far as provenance tells of it. */
export interface FrontendCall {
  /** Empty: none is called. */
  readonly frontend: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly inputs: Readonly<Record<string, pb.Definition>>;
}

/**
 * One request of a build, its client's or one that a frontend has made in turn, with the images that it asked about and the results that it came by:
 * provenance tells of a result what was asked of the frontend that it came from.
 */
export class RequestScope {
  /** What was asked; `undefined`: nothing of a frontend. */
  readonly request: FrontendRequest | undefined;
  /** The request of which this one is a part; `undefined`: none, or it says nothing. */
  readonly #root: FrontendRequest | undefined;
  readonly #ledger: RequestLedger;
  readonly #images: ImageMaterial[] = [];
  readonly #results: LazyResult[] = [];
  readonly #parts: RequestScope[] = [];

  private constructor(ledger: RequestLedger, request: FrontendRequest | undefined, root: FrontendRequest | undefined) {
    this.#ledger = ledger;
    this.request = request;
    this.#root = root;
  }

  /** What a client does itself. @param call all that its request says */
  static ofClient(call: FrontendCall, ledger: RequestLedger): RequestScope {
    const { frontend, attributes, inputs } = call;
    const says = frontend !== "" || Object.keys(attributes).length > 0 || Object.keys(inputs).length > 0;
    return new RequestScope(ledger, undefined, says ? withInputs(call, ledger) : undefined);
  }

  /** A request that is made within this one; it counts when it is {@link add}ed. */
  open(call: FrontendCall): RequestScope {
    return new RequestScope(this.#ledger, withInputs(call, this.#ledger), this.#root ?? this.request);
  }

  add(part: RequestScope): void {
    this.#parts.push(part);
  }

  noteImage(image: ImageMaterial): void {
    this.#images.push(image);
  }

  noteResult(result: LazyResult): void {
    this.#results.push(result);
  }

  /** The innermost request that has given this result; `undefined`: none has. */
  ownerOf(result: LazyResult): RequestScope | undefined {
    for (const part of this.#parts) {
      const owner = part.ownerOf(result);
      if (owner) return owner;
    }
    return this.#results.includes(result) ? this : undefined;
  }

  /** The result that one of its parts has given under this very definition. */
  resultOfPart(definition: pb.Definition): LazyResult | undefined {
    for (const part of this.#parts) {
      const found = part.#results.find((result) => result.definition === definition) ?? part.resultOfPart(definition);
      if (found) return found;
    }
    return undefined;
  }

  /** Its results and those of its parts. */
  *results(): Generator<LazyResult> {
    yield* this.#results;
    for (const part of this.#parts) yield* part.results();
  }

  /** The images that it and its parts have asked about. */
  *images(): Generator<ImageMaterial> {
    yield* this.#images;
    for (const part of this.#parts) yield* part.images();
  }

  /**
   * What was asked, for one result.
   * @param own what is known of that alone
   * @param all what is known of it and of everything else that the request made
   */
  describe(own: Capture | undefined, all: Capture | undefined = own): DescribedRequest {
    if (!this.request) return { configSource: {}, request: {} };
    const described = describeRequest(this.request, all ?? nothing);
    const root = this.#root && describeRequest(this.#root, own ?? nothing);
    const { frontend, args, inputs } = root?.request ?? {};
    if (!root || (frontend === undefined && !args && !inputs)) return described;
    if (isSameRequest(root, describeRequest(this.request, own ?? nothing))) return described;
    return { ...described, request: { ...described.request, root } };
  }
}

const nothing = { git: [], http: [] };

function withInputs({ frontend, attributes, inputs }: FrontendCall, ledger: RequestLedger): FrontendRequest {
  const known = Object.entries(inputs).flatMap(([name, definition]) => {
    const made = ledger.find(definition);
    return made ? [[name, made] as const] : [];
  });
  return { frontend, attributes, inputs: Object.fromEntries(known) };
}
