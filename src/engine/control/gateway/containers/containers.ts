import type { gateway } from "../../../../api/mod.ts";
import { BuildError } from "../../../../base/errors/mod.ts";
import { GatewayContainer } from "./container.ts";
import type { MountOptions } from "./container-mounts.ts";

/** The containers of one build, by the ids that its client gave them. */
export class GatewayContainers implements AsyncDisposable {
  readonly #options: MountOptions;
  readonly #containers = new Map<string, Promise<GatewayContainer>>();

  #closed = false;

  constructor(options: MountOptions) {
    this.#options = options;
  }

  /** @throws {BuildError} `already_exists` when the id is taken, and what else is wrong with the request */
  async create(request: gateway.NewContainerRequest): Promise<void> {
    const { ContainerID: id } = request;
    this.#options.signal.throwIfAborted();
    if (this.#closed)
      throw new BuildError("failed_precondition", `container ${id} comes too late: the build has ended`);
    if (id === "") throw new BuildError("invalid_argument", "a container needs an id");
    if (this.#containers.has(id)) throw new BuildError("already_exists", `Container ${id} already exists`);
    const opening = GatewayContainer.open(request, this.#options);
    this.#containers.set(id, opening);
    try {
      await opening;
    } catch (error) {
      this.#containers.delete(id);
      throw error;
    }
  }

  /** @throws {BuildError} `not_found` */
  async find(id: string): Promise<GatewayContainer> {
    const container = this.#containers.get(id);
    if (!container) throw new BuildError("not_found", `container "${id}" previously released or not created`);
    return await container;
  }

  /** Ends the container. @throws {BuildError} `not_found` */
  async release(id: string): Promise<void> {
    const container = this.#containers.get(id);
    if (!container) throw new BuildError("not_found", `container details for ${id} not found`);
    this.#containers.delete(id);
    await (await container)[Symbol.asyncDispose]();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    const left = [...this.#containers.values()];
    this.#containers.clear();
    await Promise.all(
      left.map(async (opening) => await (await opening.catch(() => undefined))?.[Symbol.asyncDispose]()),
    );
  }
}
