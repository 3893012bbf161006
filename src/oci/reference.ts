import { BuildError } from "../base/errors/mod.ts";
import { type Digest, parseDigest } from "./digest.ts";

/** A parsed image name. `docker.io` and `library/` are spelled out; no tag is made up. */
export interface Reference {
  /** `host[:port]`; Docker Hub is `docker.io`. */
  readonly registry: string;
  /** Path within the registry, lower case. */
  readonly repository: string;
  readonly tag?: string;
  readonly digest?: Digest;
}

const hub = "docker.io";
const officialPrefix = "library/";

const domainComponent = "(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])";
const domain = `(?:${domainComponent}(?:\\.${domainComponent})*|\\[[a-fA-F0-9:]+\\])(?::[0-9]+)?`;
const pathComponent = "[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*";
const path = `${pathComponent}(?:/${pathComponent})*`;
const referencePattern = new RegExp(`^(${domain})/(${path})(?::(\\w[\\w.-]{0,127}))?(?:@([^@]+))?$`);
const digestPattern = /^[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,}$/;

/**
 * Parses an image name as people write it: `alpine`, `alpine:3@sha256:…`, `host:5000/a/b`.
 * @throws {BuildError} `invalid_argument` with the words of distribution/reference
 * @see https://github.com/distribution/reference (grammar and normalization)
 */
export function parseReference(text: string): Reference {
  // Longer ones cannot be valid; refusing them here keeps the pattern's cost bounded.
  if (text.length > 1024) throw invalid("repository name must not be more than 255 characters");
  if (/^[a-f0-9]{64}$/.test(text)) {
    throw invalid(`invalid repository name (${text}), cannot specify 64-byte hexadecimal strings`);
  }
  const { registry, rest } = splitRegistry(text);
  const name = rest.split(":", 1)[0] as string;
  if (name.toLowerCase() !== name)
    throw invalid(`invalid reference format: repository name (${name}) must be lowercase`);
  const match = referencePattern.exec(`${registry}/${rest}`);
  if (!match) throw invalid("invalid reference format");
  const [, , repository = "", tag, digest] = match;
  if (digest !== undefined && !digestPattern.test(digest)) throw invalid("invalid reference format");
  if (`${registry}/${repository}`.length > 255) throw invalid("repository name must not be more than 255 characters");
  return {
    registry,
    repository,
    ...(tag === undefined ? {} : { tag }),
    ...(digest === undefined ? {} : { digest: parseDigest(digest) }),
  };
}

/** A first component is a registry when it cannot be a path component: it has a dot, a port or capitals, or is `localhost`. */
function splitRegistry(text: string): { registry: string; rest: string } {
  const slash = text.indexOf("/");
  const first = slash < 0 ? "" : text.slice(0, slash);
  const isRegistry = first === "localhost" || /[.:]/.test(first) || first.toLowerCase() !== first;
  const registry = !isRegistry || first === "index.docker.io" ? hub : first;
  const rest = isRegistry ? text.slice(slash + 1) : text;
  return { registry, rest: registry === hub && !rest.includes("/") ? officialPrefix + rest : rest };
}

/** `registry/repository`: the name without tag and digest, spelled out. */
export function repositoryName(reference: Reference): string {
  return `${reference.registry}/${reference.repository}`;
}

/** Everything spelled out: `docker.io/library/alpine:3@sha256:…`. */
export function formatReference(reference: Reference): string {
  return repositoryName(reference) + suffix(reference);
}

/** As people write it: without `docker.io/` and `library/`. */
export function familiarReference(reference: Reference): string {
  const { registry, repository } = reference;
  if (registry !== hub) return formatReference(reference);
  const short = repository.startsWith(officialPrefix) ? repository.slice(officialPrefix.length) : repository;
  // `docker.io/library/a/b` stays long: `a/b` would be another repository.
  return (short.includes("/") && short !== repository ? repository : short) + suffix(reference);
}

/** The same name, with the tag `latest` when it has neither tag nor digest. */
export function withDefaultTag(reference: Reference): Reference {
  return reference.tag !== undefined || reference.digest !== undefined ? reference : { ...reference, tag: "latest" };
}

/** The same repository, with this tag and no digest. */
export function withTag(reference: Reference, tag: string): Reference {
  if (!/^\w[\w.-]{0,127}$/.test(tag)) throw invalid("invalid tag format");
  return { registry: reference.registry, repository: reference.repository, tag };
}

/** The same name pinned to `digest`; a tag stays, for people to read. */
export function withDigest(reference: Reference, digest: Digest): Reference {
  return { ...reference, digest };
}

function suffix({ tag, digest }: Reference): string {
  return (tag === undefined ? "" : `:${tag}`) + (digest === undefined ? "" : `@${digest}`);
}

function invalid(message: string): BuildError {
  return new BuildError("invalid_argument", message);
}
