/** Edits beyond which two words are no longer taken for the same one mistyped. */
const maxDistance = 2;

/**
 * The option nearest to `given` (at most two edits away); `undefined` when none is near, or when `given` is one of them:
 * then it was not the spelling that was wrong.
 * @param options.ignoreCase compare without case, and answer in the case of `given`
 */
export function suggestion(
  given: string,
  choices: readonly string[],
  options: { ignoreCase?: boolean } = {},
): string | undefined {
  const fold = (text: string) => (options.ignoreCase ? text.toLowerCase() : text);
  if (given.length > maxLength) return undefined;
  let best: string | undefined;
  let bestDistance = maxDistance + 1;
  for (const choice of choices) {
    if (fold(choice) === fold(given)) return undefined;
    if (Math.abs(choice.length - given.length) > maxDistance) continue;
    const edits = distance(fold(given), fold(choice));
    if (edits >= bestDistance) continue;
    best = choice;
    bestDistance = edits;
  }
  if (best === undefined || !options.ignoreCase) return best;
  if (given === given.toLowerCase()) return best.toLowerCase();
  return given === given.toUpperCase() ? best.toUpperCase() : best.toLowerCase();
}

/** `message`, with ` (did you mean …?)` behind it when there is a {@link suggestion}. */
export function withSuggestion(
  message: string,
  given: string,
  choices: readonly string[],
  options: { ignoreCase?: boolean } = {},
): string {
  const near = suggestion(given, choices, options);
  return near === undefined ? message : `${message} (did you mean ${near}?)`;
}

/** Longer words are no slips. */
const maxLength = 200;

/** For {@link distance}, which is called for each of very many pairs. */
const rows: readonly [Uint16Array, Uint16Array] = [
  new Uint16Array(maxLength + maxDistance + 1),
  new Uint16Array(maxLength + maxDistance + 1),
];

/** Levenshtein's, as far as it is no more than {@link maxDistance}: whatever is more comes out as one more than that. */
function distance(a: string, b: string): number {
  const beyond = maxDistance + 1;
  let [above, current] = rows;
  for (let at = 0; at <= b.length; at++) {
    above[at] = at;
    current[at] = beyond;
  }
  for (let row = 1; row <= a.length; row++) {
    // Further from the diagonal than that many edits lead, nothing counts.
    const first = Math.max(1, row - maxDistance);
    const last = Math.min(b.length, row + maxDistance);
    current[first - 1] = first === 1 ? row : beyond;
    let least = current[first - 1] as number;
    for (let column = first; column <= last; column++) {
      const change = (above[column - 1] as number) + (a[row - 1] === b[column - 1] ? 0 : 1);
      const left = (current[column - 1] as number) + 1;
      const over = column === row + maxDistance ? beyond : (above[column] as number) + 1;
      const edits = Math.min(change, left, over);
      current[column] = edits;
      if (edits < least) least = edits;
    }
    if (least > maxDistance) return beyond;
    [above, current] = [current, above];
  }
  return Math.min(above[b.length] as number, beyond);
}
