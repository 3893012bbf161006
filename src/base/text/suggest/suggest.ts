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
  if (given.length > 200) return undefined;
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

/** Levenshtein's. */
function distance(a: string, b: string): number {
  let above = Array.from({ length: b.length + 1 }, (_, at) => at);
  for (let row = 1; row <= a.length; row++) {
    const current = [row];
    for (let column = 1; column <= b.length; column++) {
      const change = (above[column - 1] as number) + (a[row - 1] === b[column - 1] ? 0 : 1);
      current.push(Math.min(change, (above[column] as number) + 1, (current[column - 1] as number) + 1));
    }
    above = current;
  }
  return above[b.length] as number;
}
