import { AsyncQueue } from "../../base/async/mod.ts";
import type { PacketStream } from "../packets.ts";

/** One end of {@link packetPair}. */
export interface PacketEnd extends PacketStream {
  /** Ends what this side sends. */
  end(): void;
}

/** Two ends of a stream of packets in memory. */
export function packetPair(): [PacketEnd, PacketEnd] {
  const forth = new AsyncQueue<Uint8Array>();
  const back = new AsyncQueue<Uint8Array>();
  const end = (incoming: AsyncQueue<Uint8Array>, outgoing: AsyncQueue<Uint8Array>): PacketEnd => {
    // One iterator for all, as a call has: leaving a loop must not end the stream.
    const iterator = incoming[Symbol.asyncIterator]();
    return {
      incoming: { [Symbol.asyncIterator]: () => iterator },
      send: async (message) => outgoing.push(message),
      end: () => outgoing.end(),
    };
  };
  return [end(back, forth), end(forth, back)];
}
