import { type Builder, contextBuilder, embedded } from "./builder.ts";
import { type DockerPlace, findDocker } from "./docker-place.ts";
import type { Driver, OpenDriver } from "./driver.ts";
import { enginePaths } from "./drivers/embedded/paths.ts";
import { type DriverTable, openDriver } from "./open-driver.ts";
import { currentBuilder, findBuilder, type Selection, usableBuilder } from "./select.ts";
import { type BuilderNode, type BuilderRecord, BuilderStore, type StoreReader } from "./store/mod.ts";

/** What builders depend on. */
export interface BuilderSurroundings {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly home: string;
  readonly now: () => Date;
  /** Program that starts our own engine. */
  readonly engineCommand: string;
  /** User that this process runs as. */
  readonly uid: number;
  /** Whether our own engine runs on this machine. */
  readonly hasEmbedded: boolean;
  /** In place of the usual drivers. */
  readonly drivers?: DriverTable;
}

/** All builders that somebody at this machine can use: those of the store, those of Docker's contexts, and our own. */
export class Builders {
  readonly surroundings: BuilderSurroundings;
  readonly store: BuilderStore;
  readonly docker: DockerPlace;
  readonly #drivers: DriverTable;
  private constructor(surroundings: BuilderSurroundings, docker: DockerPlace) {
    this.surroundings = surroundings;
    this.docker = docker;
    this.store = new BuilderStore(surroundings.env, surroundings.home);
    this.#drivers = surroundings.drivers ?? usualDrivers(surroundings);
  }
  /** @throws {BuildError} when Docker's configuration cannot be read */
  static async open(surroundings: BuilderSurroundings): Promise<Builders> {
    return new Builders(surroundings, await findDocker(surroundings.env, surroundings.home));
  }
  /** The builder of that name, or the current one for an empty name; for looking at it. @throws {BuildError} `no builder "X" found` */
  async find(name: string, store: StoreReader = this.store): Promise<Builder> {
    const selection = await this.#selection(store, name);
    return await this.#dated(name === "" ? currentBuilder(selection) : findBuilder(name, selection), store);
  }
  /** As {@link find}, for building with it. @throws {BuildError} also when it belongs to a Docker context that is not in use */
  async select(name: string): Promise<Builder> {
    const selection = await this.#selection(this.store, name);
    return name === "" ? currentBuilder(selection) : usableBuilder(name, selection);
  }
  /**
   * All of them: created ones by name, our own, then those of Docker's contexts. One that was created hides the others of its name. The builder of
   * the default context is left out where there is no sign of Docker.
   */
  async all(store: StoreReader = this.store): Promise<readonly Builder[]> {
    const created = (await store.list()).map((record): Builder => ({ ...record, origin: "stored" }));
    const own = this.#embedded();
    const contexts = this.docker.contexts.filter(({ name }) => !(name === "default" && this.docker.isAbsent));
    const implicit = [...(own ? [own] : []), ...contexts.map(({ name }) => contextBuilder(name))];
    const taken = new Set(created.map(({ name }) => name));
    const all = [...created, ...implicit.filter(({ name }) => !taken.has(name))];
    return await Promise.all(all.map((builder) => this.#dated(builder, store)));
  }
  /** Makes a node's driver. @throws {BuildError} what that driver refuses */
  async openDriver(builder: BuilderRecord, node: BuilderNode): Promise<Driver> {
    const { env } = this.surroundings;
    const { config, configDirectory } = this.docker;
    return await openDriver(builder.driver, { node, env, config, configDirectory }, this.#drivers);
  }
  /** Remembers that a builder was used; one that is there by itself leaves no trace in the store. */
  async touch(builder: Builder, options: { readonly signal: AbortSignal }): Promise<void> {
    if (builder.origin !== "stored") return;
    await this.store.transact(async (store) => await store.touch(builder.name, this.surroundings.now()), options);
  }
  #embedded(): Builder | undefined {
    const { env, uid, hasEmbedded } = this.surroundings;
    return hasEmbedded ? embedded(enginePaths(env, uid).socket) : undefined;
  }
  async #dated(builder: Builder, store: StoreReader): Promise<Builder> {
    return { ...builder, lastActivity: await store.lastActivity(builder.name) };
  }
  async #selection(store: StoreReader, asked: string): Promise<Selection> {
    const { docker } = this;
    const [current, defaultName] = asked === "" ? await Promise.all([store.current(), store.default(docker.key)]) : [];
    const names = new Set([asked, current?.name ?? "", defaultName ?? ""].filter((name) => name !== ""));
    const found = await Promise.all([...names].map(async (name) => [name, await store.builder(name)] as const));
    const records = new Map(found);
    return {
      docker,
      current,
      defaultName,
      embedded: this.#embedded(),
      stored: (name) => {
        const record = records.get(name);
        return record ? { ...record, origin: "stored" } : undefined;
      },
    };
  }
}

function usualDrivers({ env, uid, engineCommand }: BuilderSurroundings): DriverTable {
  const ownEngine: OpenDriver = async () => {
    const { embeddedDriver } = await import("./drivers/embedded/embedded-driver.ts");
    return embeddedDriver({ paths: enginePaths(env, uid), command: engineCommand, uid });
  };
  return {
    embedded: () => Promise.resolve(ownEngine),
    docker: async () => (await import("./drivers/docker/docker-driver.ts")).dockerDriver,
    "docker-container": async () =>
      (await import("./drivers/docker-container/container-driver.ts")).dockerContainerDriver,
    kubernetes: async () => (await import("./drivers/kubernetes/kubernetes-driver.ts")).kubernetesDriver,
    remote: async () => (await import("./drivers/remote/remote-driver.ts")).remoteDriver,
  };
}
