/** The scope of a token to read, or to read and write, one repository. */
export function repositoryScope(repository: string, access: "pull" | "pull,push"): string {
  return `repository:${repository}:${access}`;
}

/**
 * One scope per resource with all actions asked for, sorted, so that the same wishes give the same list.
 * A server's `scope` parameter may hold several, with blanks between.
 */
export function mergeScopes(...scopes: readonly string[]): readonly string[] {
  const actions = new Map<string, Set<string>>();
  for (const scope of scopes.flatMap((text) => text.split(" ")).filter(Boolean)) {
    const colon = scope.lastIndexOf(":");
    const resource = colon < 0 ? scope : scope.slice(0, colon);
    const wanted = actions.get(resource) ?? new Set<string>();
    if (colon >= 0) for (const action of scope.slice(colon + 1).split(",")) wanted.add(action);
    actions.set(resource, wanted);
  }
  return [...actions]
    .map(([resource, wanted]) => (wanted.size === 0 ? resource : `${resource}:${[...wanted].sort().join(",")}`))
    .sort();
}
