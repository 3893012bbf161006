import type { Invocation } from "./command.ts";

/** What `--builder` or `BUILDX_BUILDER` says; empty when neither says anything. Apart from the builders themselves, which are loaded late. */
export function askedBuilder({ globals, context }: Pick<Invocation, "globals" | "context">): string {
  return globals.builder || (context.env.BUILDX_BUILDER ?? "");
}
