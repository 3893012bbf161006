/** A field of an answer that should be text; empty when it is not. */
export function text(value: unknown): string {
  return typeof value === "string" ? value : "";
}
