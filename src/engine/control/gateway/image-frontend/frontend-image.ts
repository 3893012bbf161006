import { create, toBinary } from "../../../../base/protobuf/mod.ts";
import { pb } from "../../../../api/mod.ts";
import { BuildError } from "../../../../base/errors/mod.ts";
import { image, marshal, scratch } from "../../../../llb/mod.ts";
import {
  decodeImageConfig,
  formatReference,
  type ImageConfig,
  parseReference,
  withDefaultTag,
  withDigest,
} from "../../../../oci/mod.ts";
import type { Build } from "../../build.ts";
import type { FrontendBridge } from "../../frontend-bridge.ts";

/** Which image a frontend is, and what it says of itself. */
export interface FrontendImage {
  /** Its root filesystem. */
  readonly definition: pb.Definition;
  /** A directory with what the root filesystem is made of, for frontends that look themselves up. */
  readonly metadata: pb.Definition;
  readonly config: ImageConfig;
}

/**
 * Looks a frontend's image up.
 * @param attributes may name another image in its place, as `context:<source>`
 * @throws {BuildError} when there is no such image
 */
export async function findFrontendImage(
  source: string,
  attributes: Readonly<Record<string, string>>,
  { build, bridge, signal }: { readonly build: Build; readonly bridge: FrontendBridge; readonly signal: AbortSignal },
): Promise<FrontendImage> {
  const reference = withDefaultTag(parseReference(replaced(source, attributes)));
  const name = formatReference(reference);
  const { platform } = build.deps.worker.ops;
  const found = await bridge.resolveImageConfig(name, {
    platform,
    resolveMode: "default",
    logName: `resolve image config for docker-image://${name}`,
    signal,
  });
  const pinned = formatReference(found.digest ? withDigest(reference, found.digest) : reference);
  const definition = marshal(image(pinned, { platform, recordType: "frontend" }, { name: `docker-image://${pinned}` }));
  const data = toBinary(pb.DefinitionSchema, create(pb.DefinitionSchema, definition));
  const file = { type: "mkfile", path: "/frontend.bin", mode: 0o400, data, timestampNs: 0n } as const;
  const metadata = marshal(scratch.file([file], { name: "[internal] frontend metadata" }));
  return { definition, metadata, config: decodeImageConfig(found.config) };
}

function replaced(source: string, attributes: Readonly<Record<string, string>>): string {
  const other = attributes[`context:${source}`];
  if (other === undefined) return source;
  if (other.startsWith("docker-image://")) return other.slice("docker-image://".length);
  throw new BuildError(
    "unimplemented",
    `cannot take the frontend ${source} from ${other}: only docker-image:// is supported in its place`,
  );
}

/** What an image says its frontend can do; each entry may end in `+forward`. */
const capabilitiesLabel = "moby.buildkit.frontend.caps";
const inputsCapability = "moby.buildkit.frontend.inputs";

/**
 * Checks that a frontend can do what is asked of it.
 * @throws {BuildError} `unimplemented`: `unsupported frontend capability <name>`
 */
export function checkCapabilities(
  { config: { config } }: FrontendImage,
  asked: { readonly attributes: Readonly<Record<string, string>>; readonly hasInputs: boolean },
): void {
  const bare = (list: string | undefined) =>
    (list ?? "").split(",").flatMap((name) => name.trim().replace(/\+forward$/, "") || []);
  const has = new Set(bare(config?.Labels?.[capabilitiesLabel]));
  const needed = [...bare(asked.attributes["frontend.caps"]), ...(asked.hasInputs ? [inputsCapability] : [])];
  for (const name of needed) {
    if (has.has(name)) continue;
    const value = new TextEncoder().encode(JSON.stringify({ name }));
    throw new BuildError("unimplemented", `unsupported frontend capability ${name}`, {
      details: [{ typeUrl: "github.com/moby/buildkit/errdefs.FrontendCap+json", value }],
    });
  }
}
