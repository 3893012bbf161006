import type { HistoryPlace } from "../../../history/mod.ts";
import { askedBuilder } from "../../asked-builder.ts";
import { openBuilders } from "../../builder.ts";
import { openClients } from "../../builders/clients.ts";
import type { Invocation } from "../../command.ts";

/** The asked-for builder's nodes and what this machine remembers of their builds; to be disposed of. */
export async function openPlace(
  invocation: Pick<Invocation, "context" | "globals">,
): Promise<HistoryPlace & AsyncDisposable & { readonly forget: (node: string, ref: string) => Promise<void> }> {
  const builders = await openBuilders(invocation.context);
  const { name: builder } = await builders.select(askedBuilder(invocation));
  const clients = await openClients(builders, askedBuilder(invocation), invocation.context);
  return {
    builder,
    nodes: clients.nodes,
    localBuild: async (node, ref) => await builders.store.build(builder, node, ref),
    forget: async (node, ref) => await builders.store.forgetBuild(builder, node, ref),
    [Symbol.asyncDispose]: async () => await clients[Symbol.asyncDispose](),
  };
}
