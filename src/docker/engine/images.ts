import { BuildError } from "../../base/errors/mod.ts";
import type { DockerLogin } from "../credentials.ts";
import type { EngineConnection } from "./connection.ts";
import { type EngineCall, ifFound } from "./containers.ts";
import { reasonIn } from "./failures.ts";
import { type EngineMessage, jsonMessages } from "./json-messages.ts";
import { text } from "./text.ts";

/** An image that an engine holds. */
export interface EngineImage {
  readonly id: string;
  /** `repository@digest`, of where it was pulled from or pushed to. */
  readonly repoDigests: readonly string[];
}

/** Who asks a registry, through the engine; `registry` is where the login is for. */
export interface RegistryLogin {
  readonly login: DockerLogin | undefined;
  readonly registry: string;
}

/** What a pull or a push takes. */
export type TransferCall = EngineCall & {
  readonly auth?: RegistryLogin | undefined;
  readonly onMessage?: ((message: EngineMessage) => void) | undefined;
};

/** The images of an engine. Names are as people write them, with tag or digest. */
export class EngineImages {
  readonly #connection: EngineConnection;
  constructor(connection: EngineConnection) {
    this.#connection = connection;
  }
  /** @returns `undefined` when the engine has none of that name */
  async inspect(name: string, { signal }: EngineCall): Promise<EngineImage | undefined> {
    const json = await ifFound(this.#connection.json({ method: "GET", path: `/images/${inPath(name)}/json`, signal }));
    if (!json) return undefined;
    const repoDigests = Array.isArray(json.RepoDigests) ? (json.RepoDigests as unknown[]) : [];
    return { id: text(json.Id), repoDigests: repoDigests.filter((digest) => typeof digest === "string") };
  }
  /** @throws {BuildError} what the engine, or the registry, says against it */
  async pull(name: string, options: TransferCall): Promise<void> {
    const { repository, tag } = split(name);
    const query = { fromImage: repository, tag };
    await this.#transfer("/images/create", query, options);
  }
  /** Pushes `name`, which the engine has. @throws {BuildError} what the engine, or the registry, says against it */
  async push(name: string, options: TransferCall): Promise<void> {
    const { repository, tag } = split(name);
    await this.#transfer(`/images/${inPath(repository)}/push`, { tag }, options);
  }
  /** Digest of what a registry has under `name`, as the engine sees it. */
  async distributionDigest(name: string, { signal, auth }: TransferCall): Promise<string> {
    const path = `/distribution/${inPath(name)}/json`;
    const { Descriptor } = await this.#connection.json({ method: "GET", path, headers: authHeader(auth), signal });
    return text((Descriptor as { digest?: unknown } | undefined)?.digest);
  }
  /**
   * Loads an archive in the form of `docker save` into the engine's image store.
   * @param onMessage what the engine says meanwhile, for instance `Loaded image: x:latest`
   * @throws {BuildError} what the engine says against it
   */
  async load(
    archive: AsyncIterable<Uint8Array>,
    options: EngineCall & { readonly onMessage?: ((text: string) => void) | undefined },
  ): Promise<void> {
    const { statusCode, body } = await this.#connection.request({
      method: "POST",
      path: "/images/load",
      query: { quiet: "1" },
      headers: { "content-type": "application/x-tar" },
      body: archive,
      signal: options.signal,
    });
    const refusal = (reason: string) =>
      new BuildError("unknown", `the Docker Engine did not take the image: ${reason}`);
    if (statusCode !== 200) throw refusal(reasonIn(await body.text(), statusCode));
    for await (const { error, stream } of jsonMessages(body)) {
      if (error !== undefined) throw refusal(error);
      if (stream !== undefined) options.onMessage?.(stream.trimEnd());
    }
  }
  async #transfer(
    path: string,
    query: Readonly<Record<string, string | undefined>>,
    { signal, auth, onMessage }: TransferCall,
  ): Promise<void> {
    const request = { method: "POST", path, query, headers: authHeader(auth), signal } as const;
    const { body } = await this.#connection.granted(request);
    for await (const message of jsonMessages(body)) {
      if (message.error !== undefined) throw new BuildError("unknown", message.error);
      onMessage?.(message);
    }
  }
}

/** Slashes stay, as the API wants them. */
function inPath(name: string): string {
  return encodeURIComponent(name).replaceAll("%2F", "/").replaceAll("%3A", ":").replaceAll("%40", "@");
}

/** The engine wants `tag` apart; a digest goes in its place. */
function split(name: string): { repository: string; tag: string } {
  const [, repository = name, digest] = /^(.+)@(.+)$/.exec(name) ?? [];
  const [, untagged = repository, tag = "latest"] = /^(.+):([^:/]+)$/.exec(repository) ?? [];
  return { repository: untagged, tag: digest ?? tag };
}

/** @see https://docs.docker.com/reference/api/engine/version/v1.51/#section/Authentication (base64 with the alphabet of URLs) */
function authHeader(auth: RegistryLogin | undefined): Record<string, string> {
  const { login, registry: serveraddress } = auth ?? {};
  if (!login) return { "x-registry-auth": Buffer.from("{}").toString("base64") };
  const json =
    "username" in login
      ? { username: login.username, password: login.password, serveraddress }
      : "identityToken" in login
        ? { identitytoken: login.identityToken, serveraddress }
        : { registrytoken: login.registryToken, serveraddress };
  const encoded = Buffer.from(JSON.stringify(json)).toString("base64");
  return { "x-registry-auth": encoded.replaceAll("+", "-").replaceAll("/", "_") };
}
