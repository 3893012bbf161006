import { connect } from "node:net";
import { once } from "node:events";
import type { Duplex } from "node:stream";
import { BuildError } from "../base/errors/mod.ts";
import { failure, frame, messagesIn, messageTypes } from "./messages.ts";
import type { SigningKey } from "./signing-key.ts";
import { uint32, WireReader, wireString } from "./wire.ts";

/** Something that signs. It lists its keys and signs with them, and does nothing else that the protocol has. */
export interface Agent {
  /** Serves one connection to its end; then the duplex is closed. Never rejects: a connection that makes no sense is dropped. */
  serve(connection: Duplex): Promise<void>;
}

/** An agent that has these keys, in this process. */
export function keyAgent(keys: readonly SigningKey[]): Agent {
  const answer = (message: Buffer): Uint8Array => {
    if (message[0] === messageTypes.requestIdentities) {
      const listed = keys.flatMap(({ publicBlob, comment }) => [wireString(publicBlob), wireString(comment)]);
      return Buffer.concat([Uint8Array.of(messageTypes.identities), uint32(keys.length), ...listed]);
    }
    if (message[0] !== messageTypes.signRequest) return failure;
    const reader = new WireReader(message.subarray(1));
    const [blob, data, flags] = [reader.string(), reader.string(), reader.uint32()];
    const key = keys.find(({ publicBlob }) => publicBlob.equals(blob));
    if (!key) return failure;
    return Buffer.concat([Uint8Array.of(messageTypes.signature), wireString(key.sign(data, flags))]);
  };
  return { serve: (connection) => serve(connection, (message) => Promise.resolve(answer(message))) };
}

/** The agent behind a socket of this machine, without what would change it: adding and removing keys, locking. */
export function socketAgent(path: string): Agent {
  return {
    serve: async (connection) => {
      const socket = connect(path);
      socket.on("error", () => connection.destroy());
      try {
        await once(socket, "connect");
        const answers = messagesIn(socket);
        await serve(connection, async (message) => {
          const [type] = message;
          if (type !== messageTypes.requestIdentities && type !== messageTypes.signRequest) return failure;
          socket.write(frame(message));
          const { value, done } = await answers.next();
          if (done) throw new BuildError("unavailable", "the ssh agent has hung up");
          return value;
        });
      } catch {
        connection.destroy(); // whoever is at its other end sees an agent that hangs up
      } finally {
        socket.destroy();
      }
    },
  };
}

async function serve(connection: Duplex, answer: (message: Buffer) => Promise<Uint8Array>): Promise<void> {
  connection.on("error", () => undefined); // told by the loop below
  try {
    for await (const message of messagesIn(connection)) {
      if (!connection.write(frame(await answer(message)))) await once(connection, "drain");
    }
    connection.end();
  } catch {
    connection.destroy();
  }
}
