/** Trees and streams for tests. */
export { packetPair, type PacketEnd } from "./packet-pair.ts";
export { makeRandomTree, makeSocket, random } from "./random-tree.ts";
