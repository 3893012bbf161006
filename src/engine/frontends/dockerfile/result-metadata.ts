import type { Platform } from "../../../oci/mod.ts";
import type { DockerfileOptions } from "./options.ts";

/** One platform's part of the result. */
export interface PlatformResult {
  readonly id: string;
  readonly platform: Platform;
  readonly config: Uint8Array;
  readonly baseConfig: Uint8Array | undefined;
  /** `SOURCE_DATE_EPOCH`, in seconds. */
  readonly epochSeconds: bigint | undefined;
}

/** What exporters need to know, under the keys that BuildKit gives it. */
export function resultMetadata(
  results: readonly PlatformResult[],
  options: Pick<DockerfileOptions, "multiPlatform">,
): Readonly<Record<string, Uint8Array>> {
  const metadata: Record<string, Uint8Array> = { "refs.platforms": json({ Platforms: results.map(platformEntry) }) };
  for (const { id, config, baseConfig, epochSeconds } of results) {
    const suffix = options.multiPlatform ? `/${id}` : "";
    metadata[`containerimage.config${suffix}`] = config;
    if (baseConfig) metadata[`containerimage.base.config${suffix}`] = baseConfig;
    if (epochSeconds !== undefined) metadata[`source.date.epoch${suffix}`] = text(String(epochSeconds));
  }
  return metadata;
}

function platformEntry({ id, platform }: PlatformResult): unknown {
  return {
    ID: id,
    Platform: {
      architecture: platform.architecture,
      os: platform.os,
      ...(platform.osVersion && { "os.version": platform.osVersion }),
      ...(platform.osFeatures && { "os.features": platform.osFeatures }),
      ...(platform.variant && { variant: platform.variant }),
    },
  };
}

const text = (value: string) => new TextEncoder().encode(value);
const json = (value: unknown) => text(JSON.stringify(value));
