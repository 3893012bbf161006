/** Marks the `default` of a switch over a closed union: a new variant stops compiling there. */
export function unreachable(value: never): never {
  throw new Error(`Internal error: unexpected variant ${JSON.stringify(value)}`);
}
