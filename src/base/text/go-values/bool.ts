const values = new Map<string, boolean>([
  ...["1", "t", "T", "TRUE", "true", "True"].map((text) => [text, true] as const),
  ...["0", "f", "F", "FALSE", "false", "False"].map((text) => [text, false] as const),
]);

/** Reads a boolean as Go's `strconv.ParseBool`; `undefined` when it is none. */
export function parseGoBool(text: string): boolean | undefined {
  return values.get(text);
}
