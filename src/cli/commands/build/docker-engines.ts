import {
  type DockerConfig,
  dockerConfigDirectory,
  DockerEngine,
  dockerEngineAddress,
  engineAddressOf,
} from "../../../docker/mod.ts";
import type { CliContext } from "../../context.ts";

/** The Docker Engines that results are loaded into, by the contexts that name them; absent: the one in use. Each is reached when it is first needed. */
export class DockerEngines implements AsyncDisposable {
  readonly #context: CliContext;
  readonly #config: DockerConfig;
  readonly #engines = new Map<string | undefined, Promise<DockerEngine>>();
  constructor(context: CliContext, config: DockerConfig) {
    this.#context = context;
    this.#config = config;
  }
  /** Whether an engine imports OCI archives; one that does not answer does not. */
  async importsOci(context: string | undefined): Promise<boolean> {
    const { signal } = this.#context;
    try {
      const engine = await this.#engine(context);
      return (await engine.info({ signal })).containerdImages;
    } catch {
      signal.throwIfAborted();
      return false;
    }
  }
  /** @throws {BuildError} `unavailable`, with Docker's words, when there is no engine */
  async ping(context: string | undefined): Promise<void> {
    await (await this.#engine(context)).ping({ signal: this.#context.signal });
  }
  /** Gives an engine an archive that it takes. @throws {BuildError} what it says against that */
  async load(
    archive: AsyncIterable<Uint8Array>,
    { context, signal }: { readonly context: string | undefined; readonly signal: AbortSignal },
  ): Promise<void> {
    await (await this.#engine(context)).loadImage(archive, { signal });
  }
  async [Symbol.asyncDispose](): Promise<void> {
    const opened = await Promise.allSettled(this.#engines.values());
    await Promise.all(opened.map(async (engine) => engine.status === "fulfilled" && (await engine.value.close())));
  }
  async #engine(context: string | undefined): Promise<DockerEngine> {
    let engine = this.#engines.get(context);
    if (!engine) this.#engines.set(context, (engine = this.#open(context)));
    return await engine;
  }
  async #open(context: string | undefined): Promise<DockerEngine> {
    const { env, home } = this.#context;
    const configDirectory = dockerConfigDirectory(env, home);
    const surroundings = { env, configDirectory, currentContext: this.#config.currentContext };
    const address = context === undefined ? dockerEngineAddress(surroundings) : engineAddressOf(context, surroundings);
    return await DockerEngine.open(await address, { env });
  }
}
