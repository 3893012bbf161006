import type { BuildOptions } from "../build-options.ts";

/** What the client allows itself: that `mode=delete` of a directory outside of the working directory empties it. */
const localDelete = "buildx.local.delete";

/** Whether a build may remove what lies in a directory that is not below the working directory. */
export function mayDeleteAnywhere({ allow }: Pick<BuildOptions, "allow">): boolean {
  return allow.some((name) => name.trim() === localDelete);
}

/** What a build asks its engine to be allowed, each once. Which of these there are, and which it gives, the engine says. */
export function allowed({ allow, network }: Pick<BuildOptions, "allow" | "network">): readonly string[] {
  const named = allow.map((name) => name.trim()).filter((name) => name !== "" && name !== localDelete);
  return [...new Set(network === "host" ? ["network.host", ...named] : named)];
}
