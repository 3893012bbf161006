/** Reads an integer as Go's `strconv.ParseInt` with base 0: `0644` and `0o644` octal, `0x1a4`, `0b11`, `1_000`; `undefined` when it is none. */
export function parseGoInteger(text: string): number | undefined {
  const [, sign = "", body = ""] =
    /^([+-]?)(0[xX](?:_?[0-9a-fA-F])+|0[bB](?:_?[01])+|0[oO]?(?:_?[0-7])+|0|[1-9](?:_?[0-9])*)$/.exec(text) ?? [];
  if (body === "") return undefined;
  const digits = body.replaceAll("_", "");
  const value = Number(/^0[0-7]/.test(digits) ? `0o${digits.slice(1)}` : digits);
  if (!Number.isSafeInteger(value)) return undefined;
  return sign === "-" ? 0 - value : value;
}
