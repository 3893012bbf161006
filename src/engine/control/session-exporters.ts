import { exporter as api } from "../../api/mod.ts";
import { BuildError } from "../../base/errors/mod.ts";
import type { SessionCaller } from "../../session/mod.ts";
import { type Exporter, type ExporterResponse, type ExportSource, openExporter } from "../exporters/mod.ts";

/** How long a client may take to say which exporters it wants, and to take note of what they did. */
const timeoutMs = 5000;

/** Exporters that a client adds when it knows what its build has made; none from a client that does not offer this. */
export async function findExporters(
  caller: SessionCaller,
  { metadata, refs }: ExportSource,
  { signal }: { readonly signal: AbortSignal },
): Promise<readonly Exporter[]> {
  const request = {
    metadata: Object.fromEntries(Object.entries(metadata).map(([key, value]) => [key, new Uint8Array(value)])),
    refs: refs.map(({ ref }) => ref.id),
  };
  const found = await offered(
    async () => await caller.client(api.Exporter).findExporters(request, { signal, timeoutMs }),
  );
  return (found?.exporters ?? []).map(({ Type, Attrs }) => openExporter(Type, Attrs));
}

/** Tells the client what its exporters did. */
export async function finalizeExport(
  caller: SessionCaller,
  response: ExporterResponse,
  { signal }: { readonly signal: AbortSignal },
): Promise<void> {
  const request = { exporterResponse: { ...response } };
  await offered(async () => await caller.client(api.Exporter).finalizeExport(request, { signal, timeoutMs }));
}

/** `undefined` when the client does not offer that. */
async function offered<T>(ask: () => Promise<T>): Promise<T | undefined> {
  try {
    return await ask();
  } catch (error) {
    if (error instanceof BuildError && (error.code === "unimplemented" || error.code === "unavailable"))
      return undefined;
    throw error;
  }
}
