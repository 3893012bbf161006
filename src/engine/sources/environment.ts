import type { Registry } from "../../registry/mod.ts";
import type { SessionCaller } from "../../session/mod.ts";
import type { Ref } from "../refs/mod.ts";
import type { OpEnvironment } from "../ops/mod.ts";
import type { ImageResolver } from "./image/resolver.ts";
import type { LayoutImages } from "./oci-layout/layout-images.ts";

/** What sources want from the job on whose behalf they work. */
export interface SourceEnvironment extends OpEnvironment {
  /** Registries, with the credentials of the client whose build it is. */
  readonly registry: Registry;
  /** Image names of this build: each is looked up once, whatever the number of platforms. */
  readonly images: ImageResolver;
  /** Session of the client that started the build; empty: it has none. */
  readonly sessionId: string;
  /** Whether the client that started the build is still there: what is fetched on its behalf needs its logins. */
  readonly isClientThere: () => boolean;
  /**
   * The images of an OCI layout that a client of this build offers under the name `store`.
   * @param session of that client; `undefined`: the one that started the build
   */
  layout(session: string | undefined, store: string, options: { signal: AbortSignal }): Promise<LayoutImages>;
  /**
   * A client that takes part in the job: the one named, else the one that started the build.
   * @throws {BuildError} `no active session for <id>` when it does not show up within 5 s
   */
  session(id: string | undefined, options: { signal: AbortSignal }): Promise<SessionCaller>;
  /** Keeps a result until the build ends; takes over the hold. After the end it is given back at once. */
  hold(ref: Ref): void;
}
