import { BuildError, messageOf } from "../../../../base/errors/mod.ts";
import { git, http, image, scratch, source, type State, stateOfDefinition } from "../../../../llb/mod.ts";
import {
  familiarReference,
  formatPlatformFull,
  formatReference,
  isDigest,
  parseReference,
  type Platform,
  type Reference,
  withDefaultTag,
  withDigest,
} from "../../../../oci/mod.ts";
import type { Bridge } from "../../bridge.ts";
import type { DockerfileOptions } from "../options.ts";
import { readDockerignore } from "./ignore-file.ts";
import { LocalDirectory } from "./local-directory.ts";
import { repositoryOf } from "./repository.ts";

/** What the request gives in place of a stage or an image. */
export interface NamedContext {
  /** As the step names show it: with the platform, where it is for one platform only. */
  readonly name: string;
  /** `docker-image://…`, `local:…` and so on. */
  readonly source: string;
}

/** A named context, ready to be taken from. */
export interface OpenedContext {
  readonly state: State;
  /** Of an image, bytes as stored; `undefined` for what is just files. */
  readonly config?: Uint8Array;
  /** Has to be told what is used of it. */
  readonly directory?: LocalDirectory;
}

/** Contexts by name, for all platforms of one build: `context:NAME` and `context:NAME::PLATFORM`. */
export class NamedContexts {
  readonly #bridge: Bridge;
  readonly #options: DockerfileOptions;
  readonly #directories = new Map<string, Promise<LocalDirectory>>();
  constructor(bridge: Bridge, options: DockerfileOptions) {
    this.#bridge = bridge;
    this.#options = options;
  }

  /** What stands for `name`, of a stage or an image as written; names are compared as those of images are. */
  find(name: string, platform: Platform): NamedContext | undefined {
    const { contexts } = this.#options;
    if (Object.keys(contexts).length === 0) return undefined;
    const short = shortName(name);
    if (short === undefined) return undefined;
    for (const key of [`${short}::${formatPlatformFull(platform)}`, short]) {
      const given = Object.hasOwn(contexts, key) ? contexts[key] : undefined;
      if (given !== undefined) return { name: key, source: given };
    }
    return undefined;
  }

  /** @throws {BuildError} with BuildKit's words */
  async open(
    context: NamedContext,
    { platform, signal }: { readonly platform: Platform; readonly signal: AbortSignal },
  ): Promise<OpenedContext> {
    const { name, source: text } = context;
    const colon = text.indexOf(":");
    if (colon < 0) throw invalid(`invalid context specifier ${text} for ${name}`);
    const kind = text.startsWith("git@") ? "git" : text.slice(0, colon);
    const rest = text.slice(colon + 1);
    switch (kind) {
      case "docker-image":
        return await this.#image(name, rest.replace(/^\/\//, ""), { platform, signal });
      case "oci-layout":
        return await this.#layout(name, rest.replace(/^\/\//, ""), { platform, signal });
      case "git":
      case "ssh": {
        const repository = repositoryOf(text, { keepGitDir: true });
        if (!repository) throw invalid(`invalid git context ${text}`);
        return { state: git(repository, { name: `[context ${name}] load git source ${text}` }) };
      }
      case "http":
      case "https": {
        const repository = repositoryOf(text, { keepGitDir: true });
        if (repository) return { state: git(repository, { name: `[context ${name}] load git source ${text}` }) };
        return { state: http(text, {}, { name: `[context ${name}] ${text}` }) };
      }
      case "local": {
        const directory = await this.#directory(name, rest, { signal });
        return { state: directory.state, directory };
      }
      case "input":
        return this.#input(name, rest);
      default:
        throw invalid(`unsupported context source ${kind} for ${name}`);
    }
  }

  async #image(
    name: string,
    text: string,
    { platform, signal }: { readonly platform: Platform; readonly signal: AbortSignal },
  ): Promise<OpenedContext> {
    if (text === "scratch") return { state: scratch };
    const { resolveMode } = this.#options;
    const reference = withDefaultTag(parse(text));
    const { ref, digest, config } = await this.#bridge.resolveImageConfig(formatReference(reference), {
      platform,
      resolveMode,
      logName: `[context ${name}] load metadata for ${text}`,
      signal,
    });
    const named = withDefaultTag(parse(ref));
    const pinned = formatReference(digest === undefined ? named : withDigest(named, digest));
    return { state: image(pinned, { platform, resolveMode }, { name: `[context ${name}] ${text}` }), config };
  }

  /** `STORE[:tag]@DIGEST`, the store being offered by the client. */
  async #layout(
    name: string,
    text: string,
    { platform, signal }: { readonly platform: Platform; readonly signal: AbortSignal },
  ): Promise<OpenedContext> {
    const at = text.indexOf("@");
    const digest = text.slice(at + 1);
    if (at < 0) throw invalid(`oci-layout reference ${JSON.stringify(text)} has no digest`);
    if (!isDigest(digest)) throw invalid(`could not parse oci-layout reference ${JSON.stringify(text)}`);
    const store = text.slice(0, at).replace(/:[^/:]*$/, "");
    const { sessionId } = this.#bridge;
    const shown = formatReference(withDigest(parse(name.replace(/::.*$/, "")), digest));
    const { config } = await this.#bridge.resolveImageConfig(shown, {
      platform,
      resolveMode: this.#options.resolveMode,
      logName: `[context ${name}] load metadata for ${shown}`,
      layout: { sessionId, store },
      signal,
    });
    const state = source(
      {
        identifier: `oci-layout://${shown}`,
        attributes: { "oci.store": store, ...(sessionId === "" ? {} : { "oci.session": sessionId }) },
        platform,
        capabilities: ["source.ocilayout"],
      },
      { name: `[context ${name}] OCI load from client` },
    );
    return { state, config };
  }

  /** One directory for all who take from it. */
  #directory(name: string, local: string, { signal }: { readonly signal: AbortSignal }): Promise<LocalDirectory> {
    const known = this.#directories.get(name);
    if (known) return known;
    const opened = this.#openDirectory(name, local, { signal });
    opened.catch(() => undefined); // whoever asked gets the failure
    this.#directories.set(name, opened);
    return opened;
  }

  async #openDirectory(
    name: string,
    local: string,
    { signal }: { readonly signal: AbortSignal },
  ): Promise<LocalDirectory> {
    const sessionId = this.#options.localSession(local) ?? this.#bridge.sessionId;
    const hint = this.#options.sharedKeyHint(local) ?? `context:${name}`;
    const ignored = await readDockerignore(this.#bridge, {
      local,
      sessionId,
      sharedKeyHint: `${hint}-.dockerignore`,
      name: `[context ${name}] load .dockerignore`,
      signal,
    });
    return new LocalDirectory({
      local,
      sessionId,
      ignored,
      sharedKeyHint: hint,
      name: `[context ${name}] load from client`,
    });
  }

  #input(name: string, input: string): OpenedContext {
    const { inputs } = this.#bridge;
    const definition = Object.hasOwn(inputs, input) ? inputs[input] : undefined;
    if (!definition) throw invalid(`invalid input ${input} for ${name}`);
    const state = definition.def.length === 0 ? scratch : stateOfDefinition(definition);
    const config = this.#options.inputConfig(input);
    return { state, ...(config && { config }) };
  }
}

/** As contexts are named: without what every name has, and without `:latest`. `undefined` for what cannot be an image's name. */
function shortName(name: string): string | undefined {
  try {
    return familiarReference(parseReference(name)).replace(/:latest$/, "");
  } catch {
    return undefined;
  }
}

function parse(text: string): Reference {
  try {
    return parseReference(text);
  } catch (cause) {
    throw invalid(`failed to parse image reference ${JSON.stringify(text)}: ${messageOf(cause)}`, cause);
  }
}

function invalid(message: string, cause?: unknown): BuildError {
  return new BuildError("invalid_argument", message, { cause });
}
