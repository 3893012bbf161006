import { BuildError } from "../../../base/errors/mod.ts";
import {
  type Descriptor,
  descriptorToJson,
  type Digest,
  digestHex,
  familiarReference,
  formatReference,
  mediaTypes,
  type Reference,
} from "../../../oci/mod.ts";
import { type TarMember, writeTar } from "../../../tar/mod.ts";
import { booleanAttribute } from "../attributes.ts";
import type { ExportContext, Exporter, ExporterAttributes } from "../exporter.ts";
import { type AssembledImage, assembleImage, documentsOf } from "../image/assemble.ts";
import { parseImageAttributes, withResultsAnnotations } from "../image/attributes.ts";
import { namesOf } from "../image/names.ts";
import { archivedDescriptor } from "../image/top-descriptor.ts";
import { imageResponse } from "../image/exporter.ts";
import { withSaid } from "../said.ts";
import { sendArchive } from "../send.ts";
import { sendBlobs } from "./send-blobs.ts";

/**
 * `type=oci` and `type=docker`: the image as one archive in the OCI image layout, with Docker's `manifest.json` beside it for the latter.
 * The same image gives the same bytes. With `tar=false` its blobs go into a directory of the client, in the same layout, one by one.
 * @see https://github.com/opencontainers/image-spec/blob/main/image-layout.md
 */
export function archiveExporter(type: "oci" | "docker", attributes: ExporterAttributes): Exporter {
  const given = parseImageAttributes(attributes);
  const asArchive = booleanAttribute(attributes, "tar", true);
  return {
    title: type === "oci" ? "exporting to oci image format" : "exporting to docker image format",
    export: async (result, context) => {
      const source = withSaid(result, attributes);
      const image = withResultsAnnotations(given, source);
      if (type === "docker" && source.multiPlatform) {
        throw new BuildError("invalid_argument", "docker exporter does not currently support exporting manifest lists");
      }
      const assembled = await assembleImage(source, image, context);
      const names = namesOf(image.names, source, assembled.top.descriptor.digest);
      const top = archivedDescriptor(assembled, image, source);
      const response = imageResponse(assembled, names.map(formatReference).join(","), top, image);
      if (!asArchive) {
        await sendBlobs(assembled, context);
        return response; // the client writes the index
      }
      await sendArchive(writeTar(members(assembled, { names, top }, type, context)), response, context);
      return response;
    },
  };
}

/** Everything in the archive: small documents first, so that a reader knows what it gets; then each blob once. */
function* members(
  image: AssembledImage,
  { names, top }: Naming,
  type: "oci" | "docker",
  context: ExportContext,
): Generator<TarMember> {
  yield file("oci-layout", encode({ imageLayoutVersion: "1.0.0" }));
  yield file("index.json", encode(layoutIndex({ names, top })));
  const [only] = image.manifests;
  if (type === "docker" && only) {
    yield file(
      "manifest.json",
      encode([
        {
          Config: blobPath(only.config.descriptor.digest),
          RepoTags: names.filter(({ digest }) => !digest).map(familiarReference),
          Layers: only.layerDescriptors.map((layer) => blobPath(layer.digest)),
        },
      ]),
    );
  }
  yield directory("blobs/");
  yield directory("blobs/sha256/");
  const seen = new Set<Digest>();
  for (const { descriptor, bytes } of documentsOf(image).toReversed()) {
    if (!add(seen, descriptor.digest)) continue;
    yield file(blobPath(descriptor.digest), bytes);
  }
  for (const layer of image.manifests.flatMap(({ layers }) => layers)) {
    const { digest, size } = layer.descriptor;
    if (!add(seen, digest)) continue;
    yield { entry: entry(blobPath(digest), "file", 0o644, size), body: layer.open({ signal: context.signal }) };
  }
}

/** What an archive says of its image besides its bytes. */
interface Naming {
  readonly names: readonly Reference[];
  readonly top: Descriptor;
}

function layoutIndex({ names, top }: Naming): unknown {
  const named = (name: Reference | undefined) =>
    descriptorToJson({
      ...top,
      ...(name && {
        annotations: {
          ...top.annotations,
          "io.containerd.image.name": formatReference(name),
          ...(name.digest ? {} : { "org.opencontainers.image.ref.name": name.tag ?? "latest" }),
        },
      }),
    });
  return {
    schemaVersion: 2,
    mediaType: mediaTypes.ociIndex,
    manifests: names.length > 0 ? names.map(named) : [named(undefined)],
  };
}

function blobPath(digest: Digest): string {
  return `blobs/sha256/${digestHex(digest)}`;
}

function encode(value: unknown): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(value));
}

function file(name: string, bytes: Uint8Array): TarMember {
  return { entry: entry(name, "file", 0o644, bytes.byteLength), body: [bytes] };
}

function directory(name: string): TarMember {
  return { entry: entry(name, "dir", 0o755, 0) };
}

function entry(name: string, type: "file" | "dir", mode: number, size: number): TarMember["entry"] {
  return { name, type, mode, uid: 0, gid: 0, size, mtimeSec: 0, mtimeNsec: 0 };
}

function add<T>(set: Set<T>, value: T): boolean {
  if (set.has(value)) return false;
  set.add(value);
  return true;
}
