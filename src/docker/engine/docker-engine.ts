import type { Duplex } from "node:stream";
import type { EngineAddress } from "./address.ts";
import { EngineConnection } from "./connection.ts";
import { type EngineCall, EngineContainers, ifFound } from "./containers.ts";
import { EngineImages } from "./images.ts";
import { text } from "./text.ts";

/** How an engine is set up, as far as anybody asks. */
export interface EngineInfo {
  readonly cgroupDriver: string;
  readonly userNamespaces: boolean;
  /** Images are kept in containerd's store: with indexes and attestations. */
  readonly containerdImages: boolean;
  readonly osType: string;
  readonly architecture: string;
}

/** A Docker Engine, by its HTTP API. Nothing is connected before the first call. */
export class DockerEngine implements AsyncDisposable {
  readonly containers: EngineContainers;
  readonly images: EngineImages;
  readonly #connection: EngineConnection;
  private constructor(connection: EngineConnection) {
    this.#connection = connection;
    this.containers = new EngineContainers(connection);
    this.images = new EngineImages(connection);
  }
  /** @param options.env for `DOCKER_API_VERSION`, and for the ssh that may lead to the engine */
  static async open(
    address: EngineAddress,
    options: { readonly env?: Readonly<Record<string, string | undefined>> } = {},
  ): Promise<DockerEngine> {
    return new DockerEngine(await EngineConnection.open(address, options.env ?? process.env));
  }
  get address(): EngineAddress {
    return this.#connection.address;
  }
  /** @throws {BuildError} `unavailable`, with Docker's words, when there is no engine */
  async ping(options: EngineCall): Promise<void> {
    await this.#connection.ping(options);
  }
  /** The engine's version, for instance `28.5.1`. */
  async version({ signal }: EngineCall): Promise<string> {
    const { Version } = await this.#connection.json({ method: "GET", path: "/version", signal });
    return text(Version);
  }
  async info({ signal }: EngineCall): Promise<EngineInfo> {
    const json = await this.#connection.json({ method: "GET", path: "/info", signal });
    const { CgroupDriver, OSType, Architecture, SecurityOptions, DriverStatus } = json;
    const status = Array.isArray(DriverStatus) ? (DriverStatus as unknown[][]) : [];
    const security = Array.isArray(SecurityOptions) ? (SecurityOptions as unknown[]) : [];
    return {
      cgroupDriver: text(CgroupDriver),
      userNamespaces: security.some((option) => text(option).split(",").includes("name=userns")),
      containerdImages: status.some(
        ([key, value]) => key === "driver-type" && value === "io.containerd.snapshotter.v1",
      ),
      osType: text(OSType),
      architecture: text(Architecture),
    };
  }
  /** Removes a volume; none of that name is fine too. */
  async removeVolume(
    name: string,
    { signal, force = false }: EngineCall & { readonly force?: boolean },
  ): Promise<void> {
    const query = force ? { force: "1" } : {};
    const path = `/volumes/${encodeURIComponent(name)}`;
    await ifFound(this.#connection.done({ method: "DELETE", path, query, signal }));
  }
  /** {@link EngineImages.load} */
  async loadImage(...call: Parameters<EngineImages["load"]>): Promise<void> {
    await this.images.load(...call);
  }
  /** Opens a stream on which the engine's own BuildKit serves gRPC. */
  async openBuildKit({ signal }: EngineCall): Promise<Duplex> {
    return await this.#connection.hijack({ path: "/grpc", protocol: "h2c", versioned: false, signal });
  }
  /** Opens a stream on which the engine's own BuildKit calls a session, which `headers` introduce. */
  async openSession({
    signal,
    headers,
  }: EngineCall & { readonly headers: Iterable<readonly [string, string]> }): Promise<Duplex> {
    return await this.#connection.hijack({ path: "/session", protocol: "h2c", versioned: false, headers, signal });
  }
  async close(): Promise<void> {
    await this.#connection.close();
  }
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}
