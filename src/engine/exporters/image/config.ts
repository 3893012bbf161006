import {
  configPlatform,
  decodeImageConfig,
  type Digest,
  encodeImageConfig,
  type HistoryEntry,
  type ImageConfig,
  normalizePlatform,
  type Platform,
} from "../../../oci/mod.ts";

/** What is known of one layer of the result, base first. */
export interface LayerFacts {
  readonly diffId: Digest;
  readonly createdAt: Date;
}

/**
 * The config of the exported image: the frontend's, with the layers that the build really made.
 *
 * History gets one entry per layer (missing ones are added, surplus ones become empty), every entry gets a time. Times come from
 * the layers, so the same cached result gives the same bytes.
 * @param frontendConfig JSON of the frontend; without one a plain config for `platform` is made
 * @param epoch no time lies behind it
 */
export function finishConfig(
  frontendConfig: Uint8Array | undefined,
  options: {
    readonly platform: Platform;
    readonly layers: readonly LayerFacts[];
    readonly epoch: Date | undefined;
    /** So many entries at the beginning are those of the base image, whose times stay. */
    readonly baseHistory?: number;
    /** The build's cache, base64; that of a base image is never taken over. */
    readonly inlineCache?: string | undefined;
  },
): Uint8Array {
  const { platform, layers, epoch, inlineCache, baseHistory = 0 } = options;
  const { "moby.buildkit.cache.v0": _others, ...config } = frontendConfig
    ? decodeImageConfig(frontendConfig)
    : plainConfig(platform);
  const history = clamp(fillTimes(matchLayers(config.history ?? [], layers), layers), epoch, baseHistory);
  const created = config.created ?? history.findLast((entry) => entry.created !== undefined)?.created;
  const os = config.os === "" ? configPlatform(normalizePlatform(platform)) : {};
  return encodeImageConfig({
    ...config,
    ...os,
    ...(created === undefined ? {} : { created: earlier(created, epoch) }),
    rootfs: { type: "layers", diff_ids: layers.map((layer) => layer.diffId) },
    history,
    ...(inlineCache === undefined ? {} : { "moby.buildkit.cache.v0": inlineCache }),
  });
}

function plainConfig(platform: Platform): ImageConfig {
  return {
    ...configPlatform(platform),
    config: { Env: ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"], WorkingDir: "/" },
    rootfs: { type: "layers", diff_ids: [] },
  };
}

/** One non-empty entry per layer. */
function matchLayers(history: readonly HistoryEntry[], layers: readonly LayerFacts[]): readonly HistoryEntry[] {
  let seen = 0;
  const matched = history.map((entry) =>
    entry.empty_layer || seen++ < layers.length ? entry : { ...entry, empty_layer: true },
  );
  const missing = layers.slice(Math.min(seen, layers.length));
  return [...matched, ...missing.map((): HistoryEntry => ({ comment: "buildkit.exporter.image.v0" }))];
}

/** Entries with a layer get the layer's time; the others that of the entry before them, or the first time there is. */
function fillTimes(history: readonly HistoryEntry[], layers: readonly LayerFacts[]): readonly HistoryEntry[] {
  let layer = 0;
  const withLayers = history.map((entry) => {
    if (entry.empty_layer) return entry;
    const createdAt = layers[layer++]?.createdAt;
    return entry.created === undefined && createdAt ? { ...entry, created: createdAt.toISOString() } : entry;
  });
  // The first time after the first gap: a metadata instruction at the top of a Dockerfile must not seem as old as its base image.
  const gap = withLayers.findIndex((entry) => entry.created === undefined);
  const fallback =
    withLayers.slice(Math.max(gap, 0)).find((entry) => entry.created !== undefined) ??
    withLayers.findLast((entry) => entry.created !== undefined);
  let current = fallback?.created;
  let afterGap = false;
  return withLayers.map((entry) => {
    if (entry.created !== undefined) {
      if (afterGap) current = entry.created;
      return entry;
    }
    afterGap = true;
    return current === undefined ? entry : { ...entry, created: current };
  });
}

function clamp(history: readonly HistoryEntry[], epoch: Date | undefined, from: number): readonly HistoryEntry[] {
  return history.map((entry, at) =>
    entry.created === undefined || at < from ? entry : { ...entry, created: earlier(entry.created, epoch) },
  );
}

function earlier(time: string, epoch: Date | undefined): string {
  return epoch && Date.parse(time) > epoch.getTime() ? epoch.toISOString() : time;
}
