import type { DescService } from "../../base/protobuf/mod.ts";
import { type Channel, type Client, createClient, type Peer } from "../../rpc/mod.ts";
import type { Handshake } from "../handshake.ts";

/** The engine's hold of one client's session: the way to ask that client for files, logins, secrets. */
export interface SessionCaller {
  readonly id: string;
  /** What the client says its directories are, for comparing with what it sent earlier; may be empty. */
  readonly sharedKey: string;
  /** The client's process, where it came over a unix socket. */
  readonly peer: Peer | undefined;
  /** The connection to the client's services. Not to be closed by users of the session. */
  readonly channel: Channel;
  /** Aborts when the session is over; its reason is a BuildError. */
  readonly closed: AbortSignal;
  /** Whether the client announced `/package.Service/Method`; case does not matter. */
  supports(path: string): boolean;
  /** Functions that call one of the client's services. */
  client<S extends DescService>(desc: S): Client<S>;
}

/** Makes the caller of a session over `channel`. */
export function createCaller(
  handshake: Handshake,
  options: { readonly channel: Channel; readonly peer: Peer | undefined; readonly closed: AbortSignal },
): SessionCaller {
  const methods = new Set(handshake.methods.map((method) => method.toLowerCase()));
  return {
    id: handshake.id,
    sharedKey: handshake.sharedKey,
    ...options,
    supports: (path) => methods.has(path.toLowerCase()),
    client: (desc) => createClient(desc, options.channel),
  };
}
