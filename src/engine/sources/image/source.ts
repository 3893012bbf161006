import { BuildError } from "../../../base/errors/mod.ts";
import {
  chainId,
  type Digest,
  formatPlatform,
  formatReference,
  isDigest,
  parseReference,
  repositoryName,
  withDefaultTag,
} from "../../../oci/mod.ts";
import type { Source } from "../../ops/mod.ts";
import type { RefStore } from "../../refs/mod.ts";
import type { SourceEnvironment } from "../environment.ts";
import { limited, parseLayerLimit } from "./layer-limit.ts";
import { remoteLayers } from "./remote-layers.ts";
import type { ResolvedImage } from "./resolver.ts";

/**
 * `docker-image://`: the root filesystem of an image in a registry. Nothing of it is fetched before something looks inside.
 * Recognised by its layers, so that two names of the same layers share everything that stands on them.
 */
export function imageSource(refs: RefStore): Source<SourceEnvironment> {
  return {
    scheme: "docker-image",
    elsewhere: true,
    open: (op, { platform }) => {
      const name = op.identifier.slice("docker-image://".length);
      const reference = withDefaultTag(parseReference(name));
      const limit = parseLayerLimit(op.attrs["image.layerlimit"]);
      const checksum = parseChecksum(op.attrs["image.checksum"]);
      checkResolveMode(op.attrs["image.resolvemode"]);
      const origin = parseRecordType(op.attrs["image.recordtype"]);
      const resolve = async (environment: SourceEnvironment, signal: AbortSignal) => {
        const image = await environment.images.resolve(reference, { platform, signal });
        if (checksum !== undefined && image.digest !== checksum) {
          throw new BuildError(
            "failed_precondition",
            `image digest ${image.digest} for ${formatReference(reference)} does not match expected checksum ${checksum}`,
          );
        }
        return limited(image, limit);
      };
      const layersOf = (image: ResolvedImage, environment: SourceEnvironment) =>
        remoteLayers(image, {
          // Whoever takes the bytes in checks them: hashing twice would cost more than the transfer.
          fetch: (layer, options) => environment.registry.fetchBlob(reference, layer, { ...options, verify: false }),
          repository: repositoryName(reference),
          isReachable: environment.isClientThere,
        });
      return {
        cacheMap: async ({ environment, signal }) => {
          const image = await resolve(environment, signal);
          refs.offer(layersOf(image, environment)); // what was built on it before may not have needed its bytes
          const { digest } = image;
          return {
            key: `docker-image:${chainId(image.config.rootfs.diff_ids) ?? "scratch"}`,
            material: () => ({ type: "image", ref: formatReference(reference), platform, digest, isLocal: false }),
          };
        },
        run: async ({ environment, signal, progress }) => {
          const image = await resolve(environment, signal);
          const started = new Date();
          progress.status({ id: `resolve ${name}`, started, completed: new Date() });
          return await refs.fromImage(layersOf(image, environment), {
            description: `pulled from ${name} for ${formatPlatform(platform)}`,
            origin,
          });
        },
      };
    },
  };
}

/** Modes differ in whether an image of the same name on this machine will do: here are none, so every tag is asked for. */
function checkResolveMode(text = ""): void {
  if (["", "default", "pull", "local"].includes(text)) return;
  throw new BuildError("invalid_argument", `invalid resolvemode: ${text}`);
}

/** What the image is for; `undefined`: for builds to stand on. */
function parseRecordType(text = ""): "internal" | "frontend" | undefined {
  if (text === "internal" || text === "frontend") return text;
  if (text === "" || text === "regular") return undefined;
  throw new BuildError("invalid_argument", `invalid record type ${text}`);
}

function parseChecksum(text: string | undefined): Digest | undefined {
  if (!text) return undefined;
  if (isDigest(text)) return text;
  throw new BuildError("invalid_argument", `invalid image checksum ${text}`);
}
