import type { pb } from "../../api/mod.ts";
import type { ForwardedAgent } from "../../session/mod.ts";
import type { DeviceGrants } from "../devices/mod.ts";
import type { Digest } from "../../oci/mod.ts";
import type { Ref } from "../refs/mod.ts";
import type { SourceKey } from "./source.ts";

/**
 * What ops want from the job on whose behalf they work. The engine's own environment extends it (sources look for their sessions in
 * theirs); everything in it is optional, and an op that needs what is not there refuses clearly.
 */
export interface OpEnvironment {
  /** Builds another definition as part of the same job (BuildOp). The caller releases the ref; `undefined` is scratch. */
  readonly solve?: (definition: pb.Definition, options: { signal: AbortSignal }) => Promise<Ref | undefined>;
  /** Secrets of the client, by id; `undefined` when it has none of that id. Absent when the client serves no secrets. */
  readonly secret?: (id: string, options: { signal: AbortSignal }) => Promise<Uint8Array | undefined>;
  /**
   * The client's ssh agent of that id; empty: its default one. Absent when there is no client.
   * @throws {BuildError} `not_found` when it has none of that id
   */
  readonly sshAgent?: (id: string, options: { signal: AbortSignal }) => Promise<ForwardedAgent>;
  /** Entitlements that were asked for and granted, for instance `network.host`. */
  readonly entitlements?: ReadonlySet<string>;
  /**
   * Where processes of a step report what they do, and the header that says what it is part of. Absent when nobody collects that.
   * @param vertex the step's digest
   */
  readonly trace?: (vertex: string) => { readonly socket: string; readonly traceparent: string } | undefined;
  /** Learns what a source is, once it has been found. @param vertex the source's digest */
  readonly noteMaterial?: (vertex: Digest, material: SourceKey["material"]) => void;
  /** Devices that were asked for and granted. */
  readonly deviceGrants?: DeviceGrants;
}
