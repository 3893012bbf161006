import type { BuildOptions } from "../build-options.ts";

/** What a build asks to be allowed, each once. Which of these there are, and which it gives, the engine says. */
export function allowed({ allow, network }: Pick<BuildOptions, "allow" | "network">): readonly string[] {
  const named = allow.map((name) => name.trim()).filter((name) => name !== "");
  return [...new Set(network === "host" ? ["network.host", ...named] : named)];
}
