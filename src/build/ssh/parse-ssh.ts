import { BuildError } from "../../base/errors/mod.ts";

/** An agent to be offered. */
export interface AgentSource {
  readonly id: string;
  /** A socket, or files with keys; none: the user's own agent. */
  readonly paths: readonly string[];
}

/**
 * Reads a value of `--ssh`: `default`, `id`, `id=socket` or `id=key[,key…]`.
 * @throws {BuildError} `invalid_argument` when it names nothing
 */
export function parseSsh(text: string): AgentSource {
  const at = text.indexOf("=");
  const id = at < 0 ? text : text.slice(0, at);
  if (id === "") throw new BuildError("invalid_argument", `invalid ssh value ${JSON.stringify(text)}: id is missing`);
  return {
    id,
    paths:
      at < 0
        ? []
        : text
            .slice(at + 1)
            .split(",")
            .filter((path) => path !== ""),
  };
}
