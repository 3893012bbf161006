import { BuildError } from "../base/errors/mod.ts";
import { wireString } from "./wire.ts";

/** Messages of the agent protocol that are spoken here, by their first byte. */
export const messageTypes = {
  failure: 5,
  requestIdentities: 11,
  identities: 12,
  signRequest: 13,
  signature: 14,
} as const;

/** Larger messages are nobody's honest request; OpenSSH has the same limit. */
const maxMessageBytes = 256 * 1024;

/** What an agent says to everything that it does not do. */
export const failure: Uint8Array = Uint8Array.of(messageTypes.failure);

/** One message as it goes over a connection. */
export const frame = (message: Uint8Array): Buffer => wireString(message);

/**
 * Cuts a connection's bytes into messages. Holds one message.
 * @throws {BuildError} when one is too large
 */
export async function* messagesIn(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<Buffer> {
  let held: Buffer = Buffer.alloc(0);
  for await (const chunk of bytes) {
    held = Buffer.concat([held, chunk]);
    while (held.byteLength >= 4) {
      const length = held.readUInt32BE();
      if (length === 0 || length > maxMessageBytes) {
        throw new BuildError("invalid_argument", `ssh agent message of ${length} bytes`);
      }
      if (held.byteLength < 4 + length) break;
      yield held.subarray(4, 4 + length);
      held = held.subarray(4 + length);
    }
  }
}
