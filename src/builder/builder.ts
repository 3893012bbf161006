import type { BuilderNode, BuilderRecord } from "./store/mod.ts";

/** A builder that can be used. */
export interface Builder extends BuilderRecord {
  /** `stored`: somebody created it; `context`: there is one for each Docker context; `embedded`: the engine that comes with this program. */
  readonly origin: "stored" | "context" | "embedded";
  readonly lastActivity?: Date | undefined;
}

/** The builder that is there without Docker and without any being made. */
export const embeddedBuilder = "embedded";

/** The builder of the engine that comes with this program. */
export function embedded(socket: string): Builder {
  return { ...single(embeddedBuilder, "embedded", `unix://${socket}`), origin: "embedded" };
}

/** The builder that stands for a Docker context. */
export function contextBuilder(context: string): Builder {
  return { ...single(context, "docker", context), origin: "context" };
}

function single(name: string, driver: string, endpoint: string): BuilderRecord {
  const node: BuilderNode = { name, endpoint, platforms: [], driverOpts: {}, flags: [], files: {} };
  return { name, driver, nodes: [node], dynamic: false };
}
