import { create, fromBinary, toBinary } from "../base/protobuf/mod.ts";
import { fsutil } from "../api/mod.ts";
import { BuildError } from "../base/errors/mod.ts";

/** A call that carries encoded packets, seen from either side. */
export interface PacketStream {
  readonly incoming: AsyncIterable<Uint8Array>;
  /** Resolves when there is room for more. */
  send(message: Uint8Array): Promise<void>;
}

const { PACKET_STAT, PACKET_REQ, PACKET_DATA, PACKET_FIN, PACKET_ERR } = fsutil.Packet_PacketType;

/** A packet as it is dealt with here. `end of walk` is a STAT without a stat, which encodes to nothing at all. */
export type Packet =
  | { readonly type: "stat"; readonly stat: fsutil.Stat }
  | { readonly type: "end of walk" }
  | { readonly type: "request"; readonly id: number }
  | { readonly type: "data"; readonly id: number; readonly data: Uint8Array }
  | { readonly type: "finish" }
  | { readonly type: "error"; readonly message: string };

/** @throws {BuildError} `invalid_argument` when the bytes are no packet */
export function decodePacket(bytes: Uint8Array): Packet {
  let wire: fsutil.Packet;
  try {
    wire = fromBinary(fsutil.PacketSchema, bytes);
  } catch (cause) {
    throw new BuildError("invalid_argument", "malformed packet", { cause });
  }
  switch (wire.type) {
    case PACKET_STAT:
      return wire.stat ? { type: "stat", stat: wire.stat } : { type: "end of walk" };
    case PACKET_REQ:
      return { type: "request", id: wire.ID };
    case PACKET_DATA:
      return { type: "data", id: wire.ID, data: wire.data };
    case PACKET_FIN:
      return { type: "finish" };
    case PACKET_ERR:
      return { type: "error", message: Buffer.from(wire.data).toString() };
    default:
      throw new BuildError("invalid_argument", `unexpected packet type ${wire.type as number}`);
  }
}

export function encodePacket(packet: Packet): Uint8Array {
  switch (packet.type) {
    case "stat":
      return encode({ type: PACKET_STAT, stat: packet.stat });
    case "end of walk":
      return encode({ type: PACKET_STAT });
    case "request":
      return encode({ type: PACKET_REQ, ID: packet.id });
    case "data":
      return encode({ type: PACKET_DATA, ID: packet.id, data: packet.data });
    case "finish":
      return encode({ type: PACKET_FIN });
    case "error":
      return encode({ type: PACKET_ERR, data: Buffer.from(packet.message) });
  }
}

function encode(init: Parameters<typeof create<typeof fsutil.PacketSchema>>[1]): Uint8Array {
  return toBinary(fsutil.PacketSchema, create(fsutil.PacketSchema, init));
}
