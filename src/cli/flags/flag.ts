/**
 * What a flag takes. `array`: repeatable, each occurrence whole; `slice`: repeatable and split at commas; `bytes`: a size in powers of
 * 1024; `duration`: Go's notation; `ulimit`: `name=soft[:hard]`, repeatable.
 */
export type FlagKind = "bool" | "string" | "int" | "array" | "slice" | "bytes" | "duration" | "ulimit";

/** One flag of one command. Help, completion, parsing and the reference documentation all come from this. */
export interface Flag {
  readonly kind: FlagKind;
  /** One letter. */
  readonly short?: string;
  /** One line for help. */
  readonly usage: string;
  /** The value when the flag is not given; shown in help. Only for `string`, `bool` and `duration` (as written). */
  readonly default?: string;
  readonly hidden?: boolean;
  /** Known from docker buildx, not served yet: giving it is an error that says so. */
  readonly notYet?: true;
  /** Taken for old scripts' sake, with a warning that says why it does nothing. */
  readonly noEffect?: string;
  /** What a shell offers as values. */
  readonly complete?: "file" | "directory" | readonly string[];
}

/** Flags by long name, without the dashes. */
export type FlagTable = Readonly<Record<string, Flag>>;

type ValueOf<K extends FlagKind> = K extends "bool"
  ? boolean
  : K extends "string"
    ? string
    : K extends "array" | "slice" | "ulimit"
      ? readonly string[]
      : number | undefined;

/** What {@link parseFlags} makes of a table: every flag has a value, given or not. */
export type FlagValues<T extends FlagTable> = { readonly [Name in keyof T]: ValueOf<T[Name]["kind"]> };

/** The word for a flag's value in help, as pflag spells it; empty for a bool. */
export function valueWord(flag: Flag): string {
  switch (flag.kind) {
    case "bool":
      return "";
    case "array":
      return "stringArray";
    case "slice":
      return "strings";
    case "string":
    case "int":
    case "bytes":
    case "duration":
    case "ulimit":
      return flag.kind;
  }
}
