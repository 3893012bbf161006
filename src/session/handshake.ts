import { randomBytes } from "node:crypto";
import { BuildError } from "../base/errors/mod.ts";
import { Metadata } from "../rpc/mod.ts";

/** Keys of the metadata with which a session introduces itself. */
const idKey = "x-docker-expose-session-uuid";
const sharedKeyKey = "x-docker-expose-session-sharedkey";
const methodKey = "x-docker-expose-session-grpc-method";
/** Test override of the health check, see {@link Handshake.healthTimeoutMs}. */
const healthKey = "x-buildkit-session-health-custom-timeout";

/** What a session says of itself when it opens. */
export interface Handshake {
  /** Unique, without `:`. */
  readonly id: string;
  /** Names what the client's directories hold, so that the engine can compare them with what it received earlier; may be empty. */
  readonly sharedKey: string;
  /** `/package.Service/Method` of everything that the client serves. */
  readonly methods: readonly string[];
  /** Interval and timeout of the health check, whose first failure is then fatal; only tests ask for it. */
  readonly healthTimeoutMs?: number | undefined;
}

/** A new session id: 25 characters of base 36, as BuildKit's. */
export function newSessionId(): string {
  const number = BigInt(`0x${randomBytes(17).toString("hex")}`);
  return number.toString(36).padStart(27, "0").slice(-25);
}

export function encodeHandshake({ id, sharedKey, methods }: Handshake): Metadata {
  // The shared key may hold a directory's name in any language; only ASCII travels, and it is only ever compared.
  const key = sharedKey.replace(/[^\x20-\x7e]/gu, (character) => encodeURIComponent(character.toWellFormed()));
  return new Metadata({ [idKey]: id, [sharedKeyKey]: key, [methodKey]: methods });
}

/** @throws {BuildError} `invalid_argument` without an id */
export function decodeHandshake(headers: Metadata): Handshake {
  const id = headers.get(idKey) ?? "";
  if (id === "") throw new BuildError("invalid_argument", `session id is missing (header ${idKey})`);
  const custom = Number(headers.get(healthKey));
  return {
    id,
    sharedKey: headers.get(sharedKeyKey) ?? "",
    methods: headers.getAll(methodKey),
    healthTimeoutMs: Number.isFinite(custom) && custom > 0 ? Math.max(1000, custom) : undefined,
  };
}
