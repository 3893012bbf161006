import type { pb } from "../../api/mod.ts";
import { BuildError } from "../../base/errors/mod.ts";
import type { ContentStore } from "../../content/mod.ts";
import type { Registry } from "../../registry/mod.ts";
import {
  type ForwardedAgent,
  forwardedAgent,
  getSecret,
  type SessionCaller,
  type SessionManager,
} from "../../session/mod.ts";
import type { DeviceGrants } from "../devices/mod.ts";
import type { SourceKey, SourceMaterial } from "../ops/mod.ts";
import type { Digest } from "../../oci/mod.ts";
import type { Ref } from "../refs/mod.ts";
import { type ImageResolver, layoutImages, type LayoutImages, type SourceEnvironment } from "../sources/mod.ts";

/** How long a build waits for its client's session: both arrive at the same moment, in either order. */
const sessionWaitMs = 5000;

/** What the ops and sources of one build have of the client whose build it is. */
export class JobEnvironment implements SourceEnvironment, AsyncDisposable {
  readonly registry: Registry;
  readonly images: ImageResolver;
  readonly entitlements: ReadonlySet<string>;
  readonly deviceGrants: DeviceGrants;
  readonly solve: (definition: pb.Definition, options: { signal: AbortSignal }) => Promise<Ref | undefined>;
  readonly trace: NonNullable<SourceEnvironment["trace"]>;
  readonly sessionId: string;
  readonly secret = async (id: string, options: { signal: AbortSignal }): Promise<Uint8Array | undefined> =>
    this.sessionId === "" ? undefined : await getSecret(await this.session(undefined, options), id, options);
  readonly sshAgent = async (id: string, options: { signal: AbortSignal }): Promise<ForwardedAgent> =>
    await forwardedAgent(await this.session(undefined, options), id, options);
  readonly #sessions: SessionManager;
  readonly #content: ContentStore;
  readonly #layouts = new Map<string, Promise<LayoutImages>>();
  readonly #materials = new Map<Digest, SourceKey["material"]>();
  #held: Ref[] | undefined = [];

  constructor(options: {
    readonly sessions: SessionManager;
    readonly sessionId: string;
    readonly registry: Registry;
    readonly images: ImageResolver;
    readonly content: ContentStore;
    readonly entitlements: ReadonlySet<string>;
    readonly deviceGrants: DeviceGrants;
    readonly solve: (definition: pb.Definition, options: { signal: AbortSignal }) => Promise<Ref | undefined>;
    readonly trace: NonNullable<SourceEnvironment["trace"]>;
  }) {
    this.#sessions = options.sessions;
    this.sessionId = options.sessionId;
    this.#content = options.content;
    this.registry = options.registry;
    this.images = options.images;
    this.entitlements = options.entitlements;
    this.deviceGrants = options.deviceGrants;
    this.solve = options.solve;
    this.trace = options.trace;
  }

  readonly noteMaterial = (vertex: Digest, material: SourceKey["material"]): void => {
    this.#materials.set(vertex, material);
  };

  /** What a source has turned out to be; `undefined`: nobody has looked. */
  readonly material = (vertex: Digest): SourceMaterial | undefined => this.#materials.get(vertex)?.();

  readonly isClientThere = (): boolean => this.sessionId === "" || this.#sessions.has(this.sessionId);

  async layout(session: string | undefined, store: string, options: { signal: AbortSignal }): Promise<LayoutImages> {
    const key = JSON.stringify([session || this.sessionId, store]);
    let images = this.#layouts.get(key);
    if (!images) {
      images = this.session(session, options).then((caller) => layoutImages(caller, store, this.#content));
      images.catch(() => this.#layouts.delete(key));
      this.#layouts.set(key, images);
    }
    return await images;
  }

  async session(id: string | undefined, options: { signal: AbortSignal }): Promise<SessionCaller> {
    const wanted = id || this.sessionId;
    if (!wanted)
      throw new BuildError("failed_precondition", "no active sessions: the client of this build offers no session");
    return await this.#sessions.get(wanted, { signal: options.signal, timeoutMs: sessionWaitMs });
  }

  hold(ref: Ref): void {
    if (this.#held) this.#held.push(ref);
    else void ref.release();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const held = this.#held ?? [];
    this.#held = undefined;
    await Promise.all(held.map((ref) => ref.release()));
  }
}
