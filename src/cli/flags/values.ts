import { parseCsvFields } from "../../base/text/csv/mod.ts";
import { parseByteSize, parseGoBool, parseGoDuration } from "../../base/text/go-values/mod.ts";
import type { Flag, FlagTable, FlagValues } from "./flag.ts";

type Value = boolean | string | number | undefined | readonly string[];

/** Collects values as flags are met, each checked by its kind. Messages are pflag's. */
export class ValueCollector {
  readonly #values: Record<string, Value> = {};
  readonly #given = new Set<string>();
  constructor(table: FlagTable) {
    for (const [name, flag] of Object.entries(table)) this.#values[name] = initial(flag);
  }
  /** @throws {Error} when `text` is no value for this flag */
  add(name: string, flag: Flag, text: string): void {
    const old = this.#given.has(name) ? this.#values[name] : undefined;
    this.#values[name] = read(name, flag, text, old);
    this.#given.add(name);
  }
  values<T extends FlagTable>(): FlagValues<T> {
    return this.#values as FlagValues<T>;
  }
  get given(): ReadonlySet<string> {
    return this.#given;
  }
}

function initial(flag: Flag): Value {
  switch (flag.kind) {
    case "bool":
      return flag.default === "true";
    case "string":
      return flag.default ?? "";
    case "array":
    case "slice":
    case "ulimit":
      return [];
    case "duration":
      return flag.default === undefined ? undefined : parseGoDuration(flag.default);
    case "int":
    case "bytes":
      return undefined;
  }
}

function read(name: string, flag: Flag, text: string, old: Value): Value {
  const invalid = (why: string) => {
    const shown = flag.short ? `-${flag.short}, --${name}` : `--${name}`;
    return new Error(`invalid argument ${JSON.stringify(text)} for "${shown}" flag: ${why}`);
  };
  switch (flag.kind) {
    case "bool": {
      const value = parseGoBool(text);
      if (value === undefined) throw invalid(`strconv.ParseBool: parsing ${JSON.stringify(text)}: invalid syntax`);
      return value;
    }
    case "string":
      return text;
    case "int":
      if (!/^[+-]?\d+$/.test(text)) throw invalid(`strconv.ParseInt: parsing ${JSON.stringify(text)}: invalid syntax`);
      return Number(text);
    case "array":
      return [...list(old), text];
    case "slice":
      try {
        return [...list(old), ...(text === "" ? [] : parseCsvFields(text))];
      } catch (error) {
        throw invalid((error as Error).message);
      }
    case "bytes": {
      const size = parseByteSize(text);
      if (size === undefined) throw invalid(`invalid size: '${text}'`);
      return size;
    }
    case "duration": {
      const ms = parseGoDuration(text);
      if (ms === undefined) throw invalid(`time: invalid duration ${JSON.stringify(text)}`);
      return ms;
    }
    case "ulimit": {
      const match = /^([a-z]+)=(-?\d+)(?::(-?\d+))?$/.exec(text);
      if (!match) throw invalid(`invalid ulimit argument: ${text}`);
      const [, kind, soft, hard] = match;
      if (hard !== undefined && Number(hard) !== -1 && (Number(soft) > Number(hard) || Number(soft) === -1)) {
        throw invalid(`ulimit soft limit must be less than or equal to hard limit: ${soft} > ${hard}`);
      }
      const rest = list(old).filter((limit) => !limit.startsWith(`${kind}=`));
      return [...rest, `${kind}=${soft}:${hard ?? soft}`];
    }
  }
}

function list(value: Value): readonly string[] {
  return Array.isArray(value) ? (value as readonly string[]) : [];
}
