import { parseGitUrl } from "../../../base/text/git-url/mod.ts";
import { type Dependency, digestSet, gitDigest } from "./dependencies.ts";
import type { Materials } from "./materials.ts";
import { redacted } from "./redact.ts";

/** What a frontend was asked to build. */
export interface FrontendRequest {
  /** Empty: none was asked, the request was a plain graph. */
  readonly frontend: string;
  readonly attributes: Readonly<Record<string, string>>;
  /** Requests that made the graphs that it was given, by the names of those. */
  readonly inputs: Readonly<Record<string, DescribedRequest>>;
}

/** Where the file is that says what to build. */
export interface ConfigSource {
  readonly uri?: string;
  readonly digest?: Dependency["digest"];
  readonly path?: string;
}

/** A request, as provenance shows it. */
export interface DescribedRequest {
  readonly configSource: ConfigSource;
  readonly request: RequestParameters;
}

/** All that was asked for besides the file that says what to build. */
export interface RequestParameters {
  readonly frontend?: string;
  readonly args?: Readonly<Record<string, string>>;
  readonly secrets?: readonly { readonly id: string; readonly optional?: boolean }[];
  readonly ssh?: readonly { readonly id: string; readonly optional?: boolean }[];
  readonly locals?: readonly { readonly name: string }[];
  readonly inputs?: Readonly<Record<string, DescribedRequest>>;
  /** The request of which this one is a part, where that says more. */
  readonly root?: DescribedRequest;
  readonly compatibilityVersion?: number;
}

/** Attributes that speak of where a build runs and not of what it makes. */
const hostSpecific: ReadonlySet<string> = new Set(["cgroup-parent", "image-resolve-mode", "platform", "cache-imports"]);

/**
 * Describes a request: its build context and its Dockerfile are told apart from what else was asked for. What only matters to the machine that
 * builds is left out, and so are logins in addresses.
 * @param materials what is known by now of what went in: a context among them is told with its digest
 */
export function describeRequest(
  { frontend, attributes, inputs }: FrontendRequest,
  materials: Pick<Materials, "git" | "http">,
): DescribedRequest {
  const args = new Map(Object.entries(shownAttributes(attributes)));
  const key = args.get("contextkey") || (args.get("input:context") ? "input:context" : "context");
  const context = args.get(key);
  const found = context ? (findMaterial(materials, context) ?? { uri: context }) : undefined;
  if (context) args.delete(key);
  const path = args.get("filename");
  if (path) args.delete("filename");
  return {
    configSource: { ...(found && { ...found, uri: redacted(found.uri) }), ...(path && { path }) },
    request: {
      ...(frontend !== "" && { frontend }),
      ...(args.size > 0 && { args: sorted(args) }),
      ...(Object.keys(inputs).length > 0 && { inputs: sorted(new Map(Object.entries(inputs))) }),
    },
  };
}

function shownAttributes(attributes: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  const contextKey = attributes["contextkey"] || "context";
  const shown = Object.entries(attributes).filter(([key]) => !hostSpecific.has(key) && !key.startsWith("attest:"));
  return Object.fromEntries(
    shown.map(([key, value]) => [key, key === contextKey || key.startsWith("context:") ? redacted(value) : value]),
  );
}

/** The repository or file that an address stands for. */
function findMaterial({ git, http }: Pick<Materials, "git" | "http">, address: string): Dependency | undefined {
  const whole = withFragment(address, { subdir: true });
  const plain = withFragment(address, { subdir: false });
  for (const { url, object } of git) if (url === plain) return { uri: whole, digest: gitDigest(object) };
  for (const { url, digest } of http) {
    if (url === plain) return { uri: url, ...(digest && { digest: digestSet(digest) }) };
  }
  return undefined;
}

/** A repository with what is asked of it behind `#`, however it was asked; other addresses as they are. */
function withFragment(address: string, wanted: { readonly subdir: boolean }): string {
  const url = parsed(address);
  if (!url) return address;
  const subdir = wanted.subdir ? url.subdir : "";
  if (url.ref === "" && subdir === "") return url.remote;
  return `${url.remote}#${url.ref}${subdir === "" ? "" : `:${subdir}`}`;
}

function parsed(address: string): ReturnType<typeof parseGitUrl> {
  try {
    return parseGitUrl(address);
  } catch {
    return undefined; // the build has failed for it, or has not asked
  }
}

/** Whether two descriptions say the same. */
export function isSameRequest(a: DescribedRequest, b: DescribedRequest): boolean {
  return JSON.stringify(canonical(a)) === JSON.stringify(canonical(b));
}

function canonical(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(canonical);
  if (typeof value !== "object" || value === null) return value;
  return sorted(new Map(Object.entries(value).map(([key, held]) => [key, canonical(held)])));
}

/**
 * A request without what may tell too much: build arguments, labels, names of secrets and of agents.
 * @returns also whether arguments or labels were left out
 */
export function minimalRequest(request: RequestParameters): {
  readonly request: RequestParameters;
  readonly isLess: boolean;
} {
  const { secrets: _secrets, ssh: _ssh, args = {}, inputs = {}, root, ...rest } = request;
  const kept = Object.entries(args).filter(([key]) => !key.startsWith("build-arg:") && !key.startsWith("label:"));
  const below = Object.entries(inputs).map(([name, input]) => [name, minimalDescription(input)] as const);
  const lesserRoot = root && minimalDescription(root);
  return {
    request: {
      ...rest,
      ...(kept.length > 0 && { args: Object.fromEntries(kept) }),
      ...(below.length > 0 && { inputs: Object.fromEntries(below.map(([name, { described }]) => [name, described])) }),
      ...(lesserRoot && { root: lesserRoot.described }),
    },
    isLess:
      kept.length < Object.keys(args).length || below.some(([, { isLess }]) => isLess) || (lesserRoot?.isLess ?? false),
  };
}

function minimalDescription({ configSource, request: whole }: DescribedRequest) {
  const { request, isLess } = minimalRequest(whole);
  return { described: { configSource, request }, isLess };
}

/** As Go writes maps. */
function sorted<T>(map: ReadonlyMap<string, T>): Readonly<Record<string, T>> {
  return Object.fromEntries([...map].toSorted(([a], [b]) => (a < b ? -1 : 1)));
}
