import type { Digest } from "../../../oci/mod.ts";
import { byAlgorithm } from "../statement.ts";
import type { GitMaterial, Materials } from "./materials.ts";
import { imagePackageUrl } from "./image-package-url.ts";

/** Hexadecimal digests by algorithm. */
export type DigestSet = Readonly<Record<string, string>>;

/** Something that went into a build, as SLSA has it. */
export interface Dependency {
  readonly uri: string;
  readonly digest?: DigestSet;
}

/** What went into a build and can be named. The client's directories cannot. */
export function dependenciesOf({ images, blobs, git, http }: Materials): readonly Dependency[] {
  return [
    ...images.map(({ ref, platform, digest, isLocal }) => ({
      uri: imagePackageUrl(isLocal ? "oci" : "docker", ref, platform),
      ...(digest && { digest: digestSet(digest) }),
    })),
    ...blobs.map(({ ref, digest, isLocal }) => ({
      uri: imagePackageUrl(isLocal ? "oci" : "docker", ref, undefined, { ref_type: "blob" }),
      digest: digestSet(digest),
    })),
    ...git.flatMap((material) => [
      { uri: material.url, digest: gitDigest(material.object) },
      ...bundleDependency(material),
    ]),
    ...http.map(({ url, digest }) => ({ uri: url, ...(digest && { digest: digestSet(digest) }) })),
  ];
}

/** A digest by its algorithm. */
export function digestSet(digest: Digest): DigestSet {
  return byAlgorithm([digest]);
}

/** A git object's name by its algorithm. */
export function gitDigest(object: string): DigestSet {
  return { [object.length === 64 ? "sha256" : "sha1"]: object };
}

/** What a repository's objects were really taken from. */
function bundleDependency({ url, bundle }: GitMaterial): readonly Dependency[] {
  const [, scheme, name, algorithm, hex] = /^([^:]+):\/\/(.+)@([^@:]+):([^@:]+)$/.exec(bundle ?? "") ?? [];
  if (scheme === undefined || name === undefined || algorithm === undefined || hex === undefined) return [];
  const type = scheme === "oci-layout+blob" ? "oci" : "docker";
  const uri = imagePackageUrl(type, name, undefined, { ref_type: "bundle", vcs_url: url });
  return [{ uri, digest: { [algorithm]: hex } }];
}
