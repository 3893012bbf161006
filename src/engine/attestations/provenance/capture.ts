import { normalizePlatform, parseReference, platformsEqual } from "../../../oci/mod.ts";
import type { BlobMaterial, GitMaterial, HttpMaterial, ImageMaterial, Materials } from "./materials.ts";
import { redacted } from "./redact.ts";

/** A secret, or an ssh agent, that a step could use: never what is in it. */
export interface NamedAccess {
  readonly id: string;
  /** The step would have run without it. */
  readonly isOptional: boolean;
}

/** What is found out of how one result came about, bit by bit. What is added twice is there once. */
export class Capture implements Materials {
  readonly #images: ImageMaterial[] = [];
  readonly #blobs = new Map<string, BlobMaterial>();
  readonly #git = new Map<string, GitMaterial>();
  readonly #http = new Map<string, HttpMaterial>();
  readonly #locals = new Set<string>();
  readonly #secrets = new Map<string, NamedAccess>();
  readonly #ssh = new Map<string, NamedAccess>();
  /** Whether a step could reach the network. */
  hasNetwork = false;
  /** Whether something went in that cannot be followed. */
  isIncomplete = false;

  addImage(image: ImageMaterial): void {
    const isKnown = this.#images.some(
      ({ ref, isLocal, platform }) =>
        ref === image.ref && isLocal === image.isLocal && isSamePlatform(platform, image.platform),
    );
    if (!isKnown) this.#images.push(image);
  }

  addBlob(blob: BlobMaterial): void {
    addOnce(this.#blobs, JSON.stringify([blob.ref, blob.isLocal]), blob);
  }

  addGit({ url, ...rest }: GitMaterial): void {
    const shown = redacted(url);
    addOnce(this.#git, JSON.stringify([shown, rest.bundle]), { url: shown, ...rest });
  }

  addHttp({ url, digest }: HttpMaterial): void {
    const shown = redacted(url);
    addOnce(this.#http, shown, { url: shown, digest });
  }

  addLocal(name: string): void {
    this.#locals.add(name);
  }

  addSecret(secret: NamedAccess): void {
    addAccess(this.#secrets, secret);
  }

  /** @param agent an empty id is the default agent's */
  addSsh(agent: NamedAccess): void {
    addAccess(this.#ssh, { ...agent, id: agent.id || "default" });
  }

  /** Adds what is known of another result. */
  merge(other: Capture): void {
    for (const image of other.#images) this.addImage(image);
    for (const blob of other.#blobs.values()) this.addBlob(blob);
    for (const git of other.#git.values()) this.addGit(git);
    for (const file of other.#http.values()) this.addHttp(file);
    for (const name of other.#locals) this.addLocal(name);
    for (const secret of other.#secrets.values()) this.addSecret(secret);
    for (const agent of other.#ssh.values()) this.addSsh(agent);
    this.hasNetwork ||= other.hasNetwork;
    this.isIncomplete ||= other.isIncomplete;
  }

  /** By name. An image that is pinned to a digest is left out where it was also asked for by its tag. */
  get images(): readonly ImageMaterial[] {
    const tagged = new Set(this.#images.filter(({ ref }) => !parseReference(ref).digest).map(({ ref }) => tagOf(ref)));
    const kept = this.#images.filter(({ ref }) => !parseReference(ref).digest || !tagged.has(tagOf(ref)));
    return kept.toSorted((a, b) => compare(a.ref, b.ref));
  }

  get blobs(): readonly BlobMaterial[] {
    return [...this.#blobs.values()].toSorted((a, b) => compare(a.ref, b.ref));
  }

  get git(): readonly GitMaterial[] {
    return [...this.#git.values()].toSorted((a, b) => compare(a.url, b.url));
  }

  get http(): readonly HttpMaterial[] {
    return [...this.#http.values()].toSorted((a, b) => compare(a.url, b.url));
  }

  get locals(): readonly string[] {
    return [...this.#locals].toSorted(compare);
  }

  get secrets(): readonly NamedAccess[] {
    return [...this.#secrets.values()].toSorted((a, b) => compare(a.id, b.id));
  }

  get ssh(): readonly NamedAccess[] {
    return [...this.#ssh.values()].toSorted((a, b) => compare(a.id, b.id));
  }
}

function addOnce<T>(known: Map<string, T>, key: string, value: T): void {
  if (!known.has(key)) known.set(key, value);
}

/** It takes one step that cannot do without. */
function addAccess(known: Map<string, NamedAccess>, { id, isOptional }: NamedAccess): void {
  known.set(id, { id, isOptional: isOptional && (known.get(id)?.isOptional ?? true) });
}

function isSamePlatform(a: ImageMaterial["platform"], b: ImageMaterial["platform"]): boolean {
  return a === b || (a !== undefined && b !== undefined && platformsEqual(normalizePlatform(a), normalizePlatform(b)));
}

/** `registry/repository:tag`, whatever digest it is pinned to. */
function tagOf(ref: string): string {
  const { registry, repository, tag = "latest" } = parseReference(ref);
  return `${registry}/${repository}:${tag}`;
}

function compare(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}
