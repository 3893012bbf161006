import type { OutgoingHttpHeaders } from "node:http2";
import { BuildError } from "../base/errors/mod.ts";

/** What a {@link Metadata} can be made of. */
export type MetadataInit = Metadata | Readonly<Record<string, string | readonly string[]>>;

/** Headers that belong to HTTP/2 and gRPC themselves; callers and handlers cannot set them. */
const reserved = /^(?::.*|content-type|content-length|te|host|connection|transfer-encoding|upgrade|grpc-.*)$/;

/**
 * The headers or trailers of a call: lower-case keys, each with one or more values in order. Values are printable ASCII; whoever has other text
 * encodes it first. Keys that end in `-bin` hold base64.
 */
export class Metadata implements Iterable<readonly [string, string]> {
  readonly #values = new Map<string, string[]>();
  constructor(init: MetadataInit = {}) {
    const entries: Iterable<readonly [string, string | readonly string[]]> =
      init instanceof Metadata ? init : Object.entries(init);
    for (const [key, value] of entries) {
      for (const one of typeof value === "string" ? [value] : value) this.append(key, one);
    }
  }
  /** The list that Node gives beside its joined headers: name, value, name, value. Repeated values stay apart there. */
  static fromRawHeaders(raw: readonly string[]): Metadata {
    const metadata = new Metadata();
    for (let i = 0; i + 1 < raw.length; i += 2) metadata.#push(raw[i] as string, raw[i + 1] as string);
    return metadata;
  }
  /** The first value of `key`. */
  get(key: string): string | undefined {
    return this.#values.get(key.toLowerCase())?.[0];
  }
  /** All values of `key`, in the order in which they were sent. */
  getAll(key: string): readonly string[] {
    return this.#values.get(key.toLowerCase()) ?? [];
  }
  has(key: string): boolean {
    return this.#values.has(key.toLowerCase());
  }
  /** Replaces all values of `key`. */
  set(key: string, ...values: readonly string[]): void {
    this.delete(key);
    for (const value of values) this.append(key, value);
  }
  /** @throws {BuildError} `invalid_argument` when the value is not printable ASCII */
  append(key: string, value: string): void {
    if (!/^[\x20-\x7e]*$/.test(value)) {
      throw new BuildError(
        "invalid_argument",
        `header key "${key}" contains value with non-printable ASCII characters`,
      );
    }
    this.#push(key.toLowerCase(), value);
  }
  delete(key: string): void {
    this.#values.delete(key.toLowerCase());
  }
  /** Every key with each of its values. */
  *[Symbol.iterator](): Generator<readonly [string, string]> {
    for (const [key, values] of this.#values) for (const value of values) yield [key, value];
  }
  /** For Node's http2, without the headers that the transport sets itself. */
  toOutgoing(): OutgoingHttpHeaders {
    const headers: OutgoingHttpHeaders = {};
    for (const [key, values] of this.#values) {
      if (!reserved.test(key)) headers[key] = values.length === 1 ? values[0] : values;
    }
    return headers;
  }
  #push(key: string, value: string): void {
    const values = this.#values.get(key);
    if (values) values.push(value);
    else this.#values.set(key, [value]);
  }
}
