import { gzipSync } from "node:zlib";
import { profile } from "../../../api/mod.ts";
import { create, type MessageInitShape, toBinary } from "../../../base/protobuf/mod.ts";

/** Where in the program something was, as V8 tells it. */
export interface CallFrame {
  readonly functionName: string;
  readonly url: string;
  /** From 0. */
  readonly lineNumber: number;
}

/** What a profile measures: `cpu` in `nanoseconds`. */
export interface Measure {
  readonly type: string;
  readonly unit: string;
}

/** A profile in pprof's form, put together stack by stack. */
export class Stacks {
  readonly #texts = new Map<string, number>([["", 0]]);
  readonly #locations = new Map<string, bigint>();
  readonly #functions = new Map<string, bigint>();
  readonly #location: MessageInitShape<typeof profile.LocationSchema>[] = [];
  readonly #function: MessageInitShape<typeof profile.FunctionSchema>[] = [];
  readonly #samples: MessageInitShape<typeof profile.SampleSchema>[] = [];

  /** @param frames from the innermost call outwards @param values one for each measure */
  add(frames: readonly CallFrame[], values: readonly bigint[]): void {
    this.#samples.push({ locationId: frames.map((frame) => this.#locationOf(frame)), value: [...values] });
  }

  /** The whole, compressed as pprof wants it. @param facts.period how much one sample stands for */
  finish(facts: {
    readonly measures: readonly Measure[];
    readonly period: Measure & { readonly value: bigint };
    readonly startedAt: Date;
    readonly durationNanos: bigint;
  }): Uint8Array {
    const { measures, period, startedAt, durationNanos } = facts;
    const valueType = ({ type, unit }: Measure) => ({ type: this.#text(type), unit: this.#text(unit) });
    const message = create(profile.ProfileSchema, {
      sampleType: measures.map(valueType),
      periodType: valueType(period),
      sample: this.#samples,
      location: this.#location,
      function: this.#function,
      stringTable: [...this.#texts.keys()],
      timeNanos: BigInt(startedAt.getTime()) * 1_000_000n,
      durationNanos,
      period: period.value,
    });
    return gzipSync(toBinary(profile.ProfileSchema, message));
  }

  #locationOf({ functionName, url, lineNumber }: CallFrame): bigint {
    const functionId = this.#functionOf(functionName || "(anonymous)", url);
    const line = BigInt(lineNumber + 1);
    return numbered(this.#locations, `${functionId} ${line}`, (id) => {
      this.#location.push({ id, line: [{ functionId, line }] });
    });
  }

  #functionOf(functionName: string, url: string): bigint {
    return numbered(this.#functions, `${functionName} ${url}`, (id) => {
      const name = this.#text(functionName);
      this.#function.push({ id, name, systemName: name, filename: this.#text(url.replace(/^file:\/\//, "")) });
    });
  }

  #text(text: string): bigint {
    const known = this.#texts.get(text) ?? this.#texts.size;
    this.#texts.set(text, known);
    return BigInt(known);
  }
}

/** The number of `key`, from 1; a new one is told to `add`. */
function numbered(known: Map<string, bigint>, key: string, add: (id: bigint) => void): bigint {
  let id = known.get(key);
  if (id === undefined) {
    id = BigInt(known.size + 1);
    known.set(key, id);
    add(id);
  }
  return id;
}
