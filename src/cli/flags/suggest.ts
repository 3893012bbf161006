/** The names in `known` that somebody who typed `typed` may have meant, nearest first. */
export function suggest(typed: string, known: readonly string[]): string[] {
  const scored = known.map((name) => ({ name, distance: editDistance(typed, name) }));
  return scored
    .filter(
      ({ name, distance }) =>
        distance <= Math.max(1, Math.floor(name.length / 3)) || (typed.length > 2 && name.startsWith(typed)),
    )
    .toSorted((a, b) => a.distance - b.distance || a.name.localeCompare(b.name))
    .slice(0, 3)
    .map(({ name }) => name);
}

/** How many letters must be changed, added, left out or swapped with their neighbour to get from `a` to `b`. */
export function editDistance(a: string, b: string): number {
  let beforePrevious: number[] = [];
  let previous = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1];
      let best = Math.min(at(previous, j) + 1, at(row, j - 1) + 1, at(previous, j - 1) + (same ? 0 : 1));
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        best = Math.min(best, at(beforePrevious, j - 2) + 1);
      row.push(best);
    }
    beforePrevious = previous;
    previous = row;
  }
  return at(previous, b.length);
}

function at(row: readonly number[], index: number): number {
  return row[index] ?? Number.POSITIVE_INFINITY;
}
